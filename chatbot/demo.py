"""Finished conversations, questions and examples for the demo store."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from chatbot import listening, seeds
from chatbot.events import MessageReceived
from chatbot.models import Answer, CannedAnswer, Conversation, Example, Handoff, Message
from crm import timeline
from crm.models import Customer, Feedback, Product

Line = tuple[str, str, str]  # who, what, intent
BATCH = 1000
FELT = {"complaint": "neg", "thanks": "pos", "feedback_pos": "pos"}  # by intent
SCRIPTS: dict[str, list[list[Line]]] = {
    "zh": [
        [("customer", "想看看{category}", "recommend"), ("bot", "为您找到几款：{title} ¥{price}", ""),
         ("customer", "有便宜点的吗", "refine"), ("bot", "这款更实惠：{title}", ""), ("customer", "好的谢谢", "thanks"), ("bot", "不客气，很高兴能帮到您。", "")],
        [("customer", "{title}有货吗", "product_info"), ("bot", "{title}：¥{price}，有货。", ""),
         ("customer", "加入购物车", "add_to_cart"), ("bot", "已把 {title} × 1 加入购物车。", "")],
        [("customer", "运费怎么算", "faq"), ("bot", "满99元包邮；不满99元收取8元运费。", ""), ("customer", "明白了，再见", "goodbye"), ("bot", "再见，祝您生活愉快！", "")],
        [("customer", "东西有点问题，转人工", "human"), ("bot", "好的，正在为您转接人工客服，请稍候。", ""),
         ("agent", "您好，我是小林，请问是哪件商品？", ""), ("customer", "{title}包装破了", "complaint"), ("agent", "非常抱歉，马上为您补发一件。", ""), ("customer", "太好了，谢谢", "thanks")],
        [("customer", "有什么优惠券", "coupon"), ("bot", "您可以使用这些优惠券：满200减20", ""), ("customer", "不错", "feedback_pos"), ("bot", "谢谢您的反馈，我记下了。", "")],
    ],
    "en": [
        [("customer", "I am after a new {category}", "recommend"), ("bot", "Here are some: {title} for ¥{price}", ""),
         ("customer", "anything cheaper?", "refine"), ("bot", "This one costs less: {title}", ""), ("customer", "thanks a lot", "thanks"), ("bot", "You are welcome!", "")],
        [("customer", "is the {title} in stock?", "product_info"), ("bot", "{title}: ¥{price}, in stock.", ""),
         ("customer", "add it to my cart", "add_to_cart"), ("bot", "Added to your cart: {title} × 1.", "")],
        [("customer", "is delivery free?", "faq"), ("bot", "Delivery is free from ¥99; below that it costs ¥8.", ""), ("customer", "ok, bye", "goodbye"), ("bot", "Goodbye, and have a lovely day!", "")],
        [("customer", "I need to talk to a person", "human"), ("bot", "Of course. I am getting a colleague for you; one moment please.", ""),
         ("agent", "Hi, this is Lin. What can I do for you?", ""), ("customer", "my {title} arrived damaged", "complaint"), ("agent", "I am so sorry. A new one goes out today.", ""), ("customer", "great, thank you", "thanks")],
        [("customer", "any coupons for me?", "coupon"), ("bot", "You can use: 20 off 200", ""), ("customer", "nice", "feedback_pos"), ("bot", "Thank you, I have noted that.", "")],
    ],
}  # fmt: skip


CANNED = (
    ("hello", "Hello {name}, this is {agent}. How can I help?", "{name}您好，我是{agent}，请问有什么可以帮您？"),
    ("wait", "One moment please, I am looking it up.", "请稍等，我马上为您查询。"),
    ("delay", "I am sorry for the delay of {order}. I am asking the carrier now.", "很抱歉订单 {order} 延误了，我马上联系快递核实。"),
    ("refund", "Your money arrives within three working days, the way it came.", "退款将在三个工作日内原路退回。"),
    ("bye", "Is there anything else, {name}? Otherwise have a lovely day!", "{name}，还有其他需要吗？祝您生活愉快！"),
)  # fmt: skip


def answers() -> int:
    """The shop's questions and answers, and the shipped examples; return how many answers."""
    rows = json.loads((seeds.FOLDER / "answers.json").read_text(encoding="utf-8"))
    changed_at = timezone.now()  # bulk rows get no auto_now of their own
    Answer.objects.bulk_create(
        [Answer(**row, updated_at=changed_at) for row in rows], ignore_conflicts=True
    )
    canned = [
        CannedAnswer(shortcut=name, text_en=english, text_zh=chinese, updated_at=changed_at)
        for name, english, chinese in CANNED
    ]
    CannedAnswer.objects.bulk_create(canned, ignore_conflicts=True)
    examples = [
        Example(
            text=s.text[:500],
            intent=s.intent,
            language=s.language,
            source=Example.Source.SEED,
            created_at=changed_at,
        )
        for s in seeds.examples()
    ]
    Example.objects.bulk_create(examples, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def chats(customers: Sequence[Customer], *, now: datetime, rng: np.random.Generator) -> int:
    """A finished chat for each of these customers, in their language; return how many."""
    products = list(
        Product.objects.filter(is_active=True).select_related("category").order_by("id")[:500]
    )
    if not products:
        return 0
    made = 0
    for start in range(0, len(customers), BATCH):
        made += _write(customers[start : start + BATCH], products, now=now, rng=rng)
    return made


def _write(
    customers: Sequence[Customer],
    products: list[Product],
    *,
    now: datetime,
    rng: np.random.Generator,
) -> int:
    plans = [_plan(customer, products, now, rng) for customer in customers]
    rows = Conversation.objects.bulk_create([plan[0] for plan in plans])
    messages: list[Message] = []
    handoffs: list[Handoff] = []
    ratings: list[Feedback] = []
    for chat, (_, lines, extras) in zip(rows, plans, strict=True):
        messages += _messages(chat, lines, extras)
        if any(who == "agent" for who, _, _ in lines):
            asked = chat.created_at + timedelta(seconds=20)
            handoffs.append(Handoff(conversation=chat, reason="asked", requested_at=asked, accepted_at=asked + timedelta(seconds=40),
                                    first_answer_at=asked + timedelta(seconds=60), closed_at=chat.updated_at))  # fmt: skip
        if rng.random() < 0.4:
            score = float(rng.choice([3, 4, 4, 5, 5, 5]))
            ratings.append(Feedback(customer_id=chat.customer_id, kind="csat", score=score, language=chat.language,
                                    source="chat", key=f"csat:{chat.public_id}", at=chat.updated_at))  # fmt: skip
    written = Message.objects.bulk_create(messages, batch_size=BATCH)
    listening.note(written)
    heard = [_heard(message) for message in written if message.sender == Message.Sender.CUSTOMER]
    timeline.record_many(heard, received_at=now, announce=False)
    Handoff.objects.bulk_create(handoffs, batch_size=BATCH)
    Feedback.objects.bulk_create(ratings, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def _plan(
    customer: Customer, products: list[Product], now: datetime, rng: np.random.Generator
) -> tuple[Conversation, list[Line], dict[str, Any]]:
    language = "zh" if customer.reads_chinese else "en"
    product = products[int(rng.integers(len(products)))]
    scripts = SCRIPTS[language]
    lines = scripts[int(rng.integers(len(scripts)))]
    started = now - timedelta(minutes=float(rng.uniform(60, 60 * 24 * 45)))
    chat = Conversation(
        customer=customer,
        is_verified=customer.is_known,
        state=Conversation.State.RESOLVED,
        language=language,
        last_seq=len(lines),
        created_at=started,
        updated_at=started + timedelta(seconds=15 * len(lines)),
        resolved_at=started + timedelta(seconds=15 * len(lines)),
    )
    category = product.category.name_in(language) if product.category else ""
    words = {
        "title": product.title_in(language),
        "price": product.price,
        "category": category.lower(),
    }
    return chat, lines, words


def _messages(chat: Conversation, lines: list[Line], words: dict[str, Any]) -> list[Message]:
    rows = []
    for seq, (who, text, intent) in enumerate(lines, start=1):
        payload = {"intent": {"name": intent, "confidence": 0.97}} if intent else {}
        rows.append(
            Message(
                conversation=chat,
                seq=seq,
                sender=who,
                text=text.format(**words),
                language=chat.language,
                payload=payload,
                confidence=0.97 if intent else None,
                created_at=chat.created_at + timedelta(seconds=15 * seq),
            )
        )
    return rows


def _heard(message: Message) -> timeline.Entry:
    """The fact that a living chat would have told of this message."""
    intent = message.payload["intent"]
    fact = MessageReceived(
        conversation=str(message.conversation.public_id),
        seq=message.seq,
        intent=intent["name"],
        confidence=intent["confidence"],
        acts=(),
        sentiment=FELT.get(intent["name"], "neu"),
    )
    return timeline.Entry(
        customer_id=message.conversation.customer_id,
        kind=fact.kind,
        data=asdict(fact),
        happened_at=message.created_at,
        message_id=f"demo-chat-{message.pk}",
        source="demo",
    )

"""The bot's fixed phrases: Chinese, then English."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

Pair = tuple[str, str]

TEXTS: dict[str, Pair] = {
    "greet": (
        "您好{name}！想看商品、查订单还是问问题？我都可以帮您。",
        "Hello{name}! I can help you find products, check an order or answer a question.",
    ),
    "bye": ("再见，祝您生活愉快！", "Goodbye, and have a lovely day!"),
    "welcome": ("不客气，很高兴能帮到您。", "You are welcome!"),
    "chitchat_reply": (
        "我是店里的智能助手，可以帮您选商品、查订单、答疑问。有需要随时告诉我。",
        "I am the shop's assistant: I find products, check orders and answer questions. Just tell me.",
    ),
    "no_result": (
        "没有找到符合这些条件的商品。要不要放宽一点，比如换个颜色、品牌或价位？",
        "Nothing fits all of that. Shall we relax something, such as colour, brand or price?",
    ),
    "added_to_cart": (
        "已把 {title} × {quantity} 加入购物车。",
        "Added to your cart: {title} × {quantity}.",
    ),
    "ask_category": ("想看哪一类商品呢？", "What kind of product are you after?"),
    "ask_product": (
        "您说的是哪一款呢？请告诉我名称或第几个。",
        "Which product do you mean? Tell me its name, or its place in the list.",
    ),
    "ask_order_id": ("请告诉我订单号。", "Which order is it? Please give me its number."),
    "ask_address": ("请告诉我新的收货地址。", "What is the new delivery address?"),
    "ask_channel": (
        "是哪个渠道呢：邮件、短信、微信，还是全部？",
        "Which channel: e-mail, SMS, WeChat, or all of them?",
    ),
    "ask_return_type": ("您想退货还是换货？", "Would you like to return it or exchange it?"),
    "no_coupon": ("目前没有可用的优惠券。", "There is no coupon for you at the moment."),
    "order_not_found": (
        "没有在您的账户下找到订单 {order_id}，请核对订单号。",
        "I cannot find order {order_id} in your account. Please check the number.",
    ),
    "verify_identity": (
        "为了保护隐私，请先登录，我再为您处理订单和账户的事。",
        "To protect your privacy, please sign in first; then I can help with orders and your account.",
    ),
    "order_cancelled": (
        "订单 {order_id} 已取消，款项将原路退回。",
        "Order {order_id} is cancelled. Your money goes back the way it came.",
    ),
    "order_changed": ("订单 {order_id} 已修改。", "Order {order_id} has been changed."),
    "return_created": (
        "订单 {order_id} 的退换申请已提交，快递员会联系您取件。",
        "Your request for order {order_id} is in; the courier will contact you to pick it up.",
    ),
    "ticket_opened": (
        "非常抱歉给您带来不好的体验。我已登记{number}，同事会尽快联系您。",
        "I am very sorry about this. I have opened a ticket{number}, and a colleague will contact you soon.",
    ),
    "handoff": (
        "好的，正在为您转接人工客服，请稍候。",
        "Of course. I am getting a colleague for you; one moment please.",
    ),
    "unsubscribed": (
        "已为您退订（{channel}），不会再打扰您。",
        "Done: no more messages ({channel}).",
    ),
    "resubscribed": ("已为您订阅（{channel}）。", "Done: you will hear from us again ({channel})."),
    "privacy_started": (
        "您的隐私请求已受理，完成后会通知您。",
        "Your privacy request has been taken up; we will tell you when it is done.",
    ),
    "feedback_recorded": ("谢谢您的反馈，我记下了。", "Thank you, I have noted that."),
    "aborted": (
        "好的，已停止，没有做任何更改。",
        "All right, I have stopped. Nothing was changed.",
    ),
    "repeat_last": (
        "我还没说什么呢，请问需要什么？",
        "I have not said anything yet. What can I do for you?",
    ),
    "fallback_clarify": (
        "抱歉，我没太明白，或者这超出了我的范围。我可以帮您选商品、查订单、办退换、答疑问。",
        "I am not sure I follow, or it is beyond me. I can find products, check orders, handle returns and answer questions.",
    ),
    "refuse": ("抱歉，这个我不能帮您做。", "I am sorry, I cannot help with that."),
}
STATUS: dict[str, Pair] = {
    "pending_payment": ("待付款", "waiting for payment"),
    "processing": ("正在备货", "being prepared"),
    "shipped": ("已发货", "on its way"),
    "delivered": ("已送达", "delivered"),
    "cancelled": ("已取消", "cancelled"),
    "returning": ("退换处理中", "being returned"),
    "refunded": ("已退款", "refunded"),
}
ACTIONS: dict[str, Pair] = {
    "cancel_order": ("取消订单", "cancel the order"),
    "change_order": ("修改订单", "change the order"),
    "return_request": ("退货", "start the return"),
    "privacy_request": ("删除您的个人数据", "delete your personal data"),
}
REASONS: dict[str, Pair] = {
    "shipped": ("已经发货，无法更改", "is already on its way and cannot be changed"),
    "delivered": ("已经送达，无法更改", "has been delivered and cannot be changed"),
    "cancelled": ("已经取消", "is already cancelled"),
    "returning": ("正在退换中", "is already being returned"),
    "refunded": ("已经退款", "has already been refunded"),
    "too_late": ("已超过退换期限", "is past the return period"),
    "not_delivered": ("还没有送达，暂时不能退换", "has not been delivered yet"),
    "other": ("无法处理", "cannot be processed"),
}
QUICK: dict[str, Pair] = {
    "recommend": ("推荐商品", "Show me products"),
    "order_status": ("查订单", "Where is my order?"),
    "coupon": ("有什么优惠券", "Do I have coupons?"),
    "faq": ("退货政策是什么", "What is your return policy?"),
    "return_request": ("我要退货", "I want to return an order"),
    "cancel_order": ("取消订单", "Cancel my order"),
    "human": ("转人工", "Talk to a person"),
    "cheaper": ("便宜一点的", "Cheaper ones"),
    "other": ("换一批", "Show me others"),
    "why": ("为什么推荐这些", "Why these?"),
    "add_to_cart": ("加入购物车", "Add to cart"),
    "similar": ("有没有类似的", "Something similar"),
    "yes": ("确认", "Yes"),
    "no": ("算了", "No"),
    "email": ("邮件", "E-mail"),
    "sms": ("短信", "SMS"),
    "wechat": ("微信", "WeChat"),
    "all": ("全部", "All"),
    "return": ("退货", "Return"),
    "exchange": ("换货", "Exchange"),
    "undo": ("撤销", "Undo that"),
    "all_topics": ("全部都要", "All of it"),
}
ASPECT_WORDS = {
    "black": "黑色", "white": "白色", "red": "红色", "blue": "蓝色", "green": "绿色", "grey": "灰色",
    "silver": "银色", "pink": "粉色", "navy": "藏青色", "brown": "棕色", "gold": "金色", "purple": "紫色",
    "yellow": "黄色", "orange": "橙色", "beige": "米色",
}  # fmt: skip
CHANNELS = {
    "email": ("邮件", "e-mail"),
    "sms": ("短信", "SMS"),
    "wechat": ("微信", "WeChat"),
    "all": ("全部渠道", "all channels"),
}
DONE: dict[str, Pair] = {  # what has been done and stands
    "cancel_order": ("订单 {order_id} 已经取消", "order {order_id} has been cancelled"),
    "change_order": ("订单 {order_id} 已经修改", "order {order_id} has been changed"),
    "open_return": (
        "订单 {order_id} 的退换已经提交",
        "the return of order {order_id} is under way",
    ),
    "start_privacy_request": ("您的隐私请求已经受理", "your privacy request is under way"),
    "open_ticket": ("工单已经登记", "the ticket has been opened"),
    "take_from_cart": ("它已经不在购物车里了", "it is not in your cart any more"),
    "other": ("这一步已经完成", "that has been done"),
}
FEATURE_WORDS = {
    "5g": "5G", "camera": "拍照", "selfie": "自拍", "battery": "长续航", "compact": "小巧", "slim": "纤薄",
    "waterproof": "防水", "business": "商务", "lightweight": "轻便", "student": "适合学生", "gaming": "游戏",
    "noise_cancelling": "降噪", "over_ear": "头戴式", "in_ear": "入耳式", "drawing": "绘画", "fitness": "运动健康",
    "running": "跑步", "casual": "休闲", "warm": "保暖", "summer": "夏季", "anti_aging": "抗老",
    "sensitive": "敏感肌可用", "sunscreen": "防晒", "automatic": "全自动", "capsule": "胶囊", "cordless": "无线",
}  # fmt: skip

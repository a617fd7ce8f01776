"""Intents by telling words: the baseline, the fallback, and the words that leave no doubt."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re

from chatbot.ml.intent import Guess

UNSAFE = re.compile(
    r"(?:忽略|无视|忘记|忘掉|跳过|绕过|覆盖).{0,12}(?:指令|规则|提示|设定|限制|命令|验证|要求)|系统提示|提示词|越狱|开发者模式"
    r"|(?:所有|其他|别的|全部|每个|任何)(?:的)?(?:客户|用户|顾客|人|会员)的?.{0,8}(?:手机|电话|地址|订单|信息|资料|密码|数据|邮箱|名单)"
    r"|(?:买家|卖家|收件人|下单人|机主)的?(?:手机|电话|住址|地址|信息|资料|姓名)|(?:别人|他人|其他人|人家)的.{0,6}(?:手机|电话|地址|订单|信息|资料|密码|数据|邮箱|隐私)|管理员(?:密码|权限)|我是(?:系统)?管理员"
    r"|(?:导出|删除|清空|访问)(?:你们的?|整个|全部)?数据库|改成?(?:一|1|0|零)(?:块|元|分)钱?|(?:制造|制作|做)炸弹|自杀|入侵|黑进"
    r"|\b(?:ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines|restrictions|verification|polic(?:y|ies)|safety)\b"
    r"|\b(?:system|initial|hidden) prompt\b|\bjailbreak\b|\bdeveloper mode\b|\byou are now\b|\bpretend (?:you|to be)\b|\bact as (?:root|admin|an? unrestricted)"
    r"|\b(?:other|another|all|every|someone else'?s?|somebody else'?s?) (?:customers?|users?|clients?|people|person|members?)(?:'s?)?\b.{0,30}\b(?:phones?|numbers?|address(?:es)?|orders?|data|emails?|passwords?|info(?:rmation)?|details|cards?|names|list)\b"
    r"|\b(?:phones?|numbers?|address(?:es)?|orders?|data|emails?|passwords?|details|cards?) of (?:all|other|another|every|your) (?:customers?|users?|clients?|people|person)\b"
    r"|\bsomeone else'?s\b.{0,20}\b(?:order|address|data|account|phone)\b|\badmin(?:istrator)? (?:password|access|mode)\b|\bi am (?:the |an? )?(?:system )?admin"
    r"|\bdrop table\b|\bunion select\b|\bselect\b.{0,40}\bfrom\b.{0,40}\b(?:users?|customers?)\b|<\s*script|\{\{.*\}\}|\{%.*%\}|\bor 1\s*=\s*1\b"
    r"|\bmake a bomb\b|\bkill (?:myself|someone)\b|\bhack (?:into )?(?:a|the|this|your|my)\b|\bset (?:the )?price\b",
    re.IGNORECASE,
)
HUMAN = re.compile(
    r"人工|真人|转接?客服|(?:叫|找|要|联系|转)(?:个|一下|你们)?(?:的)?(?:客服|经理|人来)"
    r"|\b(?:human|real person|live (?:agent|person|chat)|(?:speak|talk|connect|chat)(?: me)? (?:to|with) (?:an? |the |your )?(?:agent|person|someone|somebody|representative|manager|(?:member of )?staff|operator|human)|customer service rep\w*|member of staff|staff member|actual (?:person|human)|supervisor)\b",
    re.IGNORECASE,
)
NOT_HUMAN = re.compile(
    r"(?:机器人|ai)还是|还是(?:机器|机器人|ai|人工智能)|你(?:到底)?(?:是|算)(?:不是)?(?:个)?真人|解决了|几点|时间|周末|上班|下班|晚上|夜里|半夜|节假日|在不在|还在|几点|服务时间|\bbot or\b|\bor a bot\b|hours|are you (?:an? )?(?:actual |real )?(?:human|real|person)|不要人工|不用人工",
    re.IGNORECASE,
)
UNSUBSCRIBE = re.compile(
    r"退订|取消.{0,6}(?:订阅|推送)|(?:别|不要|不想|停止|不用).{0,6}(?:发|推送|收到|收).{0,8}(?:短信|邮件|微信|消息|广告|推送|信息|通知)"
    r"|(?:邮件|短信|微信|推送|通知|订阅|广告|营销|推销)[^,，。?？]{0,6}(?:关|停|取消)(?:了|掉|闭|吧|一下)"
    r"|\b(?:stop|cancel|end|(?:turn|switch) off) (?:(?:all|any|the|your|my|of|these|those|this) )*(?:marketing|ads|adverts|advertising|promo(?:tion)?s|newsletters?|mailings?|notifications|spam|subscriptions?)\b"
    r"|\bunsubscribe\b|\bopt(?:ing)? out\b|\bmailing list\b(?!.*\badd\b)|\bstop (?:sending|texting|emailing|spamming|messaging)\b"
    r"|\bno more (?:emails?|texts?|sms|messages|promotions|newsletters?)\b",
    re.IGNORECASE,
)
AGAIN = re.compile(  # who wants back what they once stopped
    r"重新|恢复|再(?:收|订阅|开)|\bback on\b|(?<!n't )\bwant\b.{0,30}\bagain\b|\bresubscribe|\bre-subscribe",
    re.IGNORECASE | re.ASCII,
)
GOODBYE = re.compile(
    r"(?:^|[\s,，.。!！~])(?:(?:good)?bye(?:[ -]?bye)?|cya|see (?:you|ya)(?: later)?|ttyl|take care|再见|再会|拜拜|拜|88|886|回见|回头见|改天见|下次聊)[\s.。!！~啦哈了]*$",
    re.IGNORECASE,
)
NEAR_CERTAIN = (("human", HUMAN, NOT_HUMAN), ("unsubscribe", UNSUBSCRIBE, AGAIN))
TABLE: tuple[tuple[str, str], ...] = (
    (
        "greet",
        r"^(?:你好|您好|嗨|哈喽|在吗|早上好|晚上好|hello|hi|hey|good (?:morning|evening|afternoon))\b",
    ),
    ("thanks", r"谢谢|多谢|感谢|\bthank|\bthx\b"),
    ("goodbye", r"再见|拜拜|\bbye\b|see you"),
    (
        "privacy_request",
        r"(?:删|注销|清除|导出).{0,8}(?:数据|信息|资料|账号|账户)|\b(?:delete|erase|export)\b.{0,30}\b(?:data|account|information)\b",
    ),
    ("cancel_order", r"取消.{0,12}(?:订单|[a-z]{1,3}\d{5,})|\bcancel\b"),
    ("change_order", r"改.{0,8}地址|修改.{0,4}订单|\bchange\b.{0,20}\b(?:address|order)\b"),
    ("return_request", r"退货|换货|想退|要退|退款|\breturn\b|\brefund\b|\bexchange\b"),
    (
        "order_status",
        r"订单|快递|物流|包裹|发货|到哪|\border\b|\bpackage\b|\bparcel\b|\btrack\b|\barrive\b",
    ),
    ("coupon", r"优惠|折扣|券|打折|\bcoupons?\b|\bdiscounts?\b|\bvouchers?\b|\bpromo"),
    (
        "faq",
        r"运费|包邮|发票|付款|分期|保修|积分|正品|尺码|会员|政策|密码|\bshipping\b|\binvoice\b|\bpay\b|\bwarranty\b|\bpolicy\b|\bpoints\b|\bpassword\b",
    ),
    ("add_to_cart", r"购物车|下单|加购|\bcart\b|\bbasket\b|\bi'll (?:take|buy)\b"),
    ("compare", r"比较|对比|区别|哪个好|\bcompare\b|\bvs\b|\bdifference\b"),
    ("why", r"为什么|为啥|\bwhy\b"),
    ("complaint", r"投诉|垃圾|太差|坏了|失望|\bcomplain|\bterrible\b|\bbroken\b|\bawful\b"),
    ("product_info", r"多少钱|价格|有货|颜色|\bhow much\b|\bin stock\b|\bprice\b"),
    ("select", r"第.个|\b(?:first|second|third|last) one\b"),
    ("refine", r"便宜|别的|其他|换一批|\bcheaper\b|\banother\b|\bothers?\b"),
    (
        "recommend",
        r"想买|推荐|我要|有没有|看看|\bbuy\b|\bneed\b|\blooking for\b|\brecommend\b|\bshow me\b|\bsuggest\b",
    ),
    ("affirm", r"^(?:是的?|好的?|嗯|可以|确认|对|yes|yeah|ok|sure|confirm)\W*$"),
    ("deny", r"^(?:不|不是|不要|不用|no|nope)\W*$"),
    ("abort", r"算了|\bnever ?mind\b|\bforget it\b"),
    ("repeat", r"再说一遍|重复|\brepeat\b|say that again"),
)


def is_unsafe(text: str) -> bool:
    """Somebody tries to get at other people's data, or to talk the rules away."""
    return UNSAFE.search(text) is not None


def near_certain(text: str) -> str:
    """An intent that these words leave no doubt of, or an empty string."""
    for name, pattern, unless in NEAR_CERTAIN:
        if pattern.search(text) and not unless.search(text):
            return name
    return ""


def match(text: str) -> Guess:
    """The first intent whose words are there; out of scope when none are."""
    certain = "unsafe" if is_unsafe(text) else near_certain(text)
    if certain:
        return Guess(((certain, 0.9), ("out_of_scope", 0.1)), known=0.9)
    for name, pattern in TABLE:
        if re.search(pattern, text, re.IGNORECASE):
            return Guess(((name, 0.75), ("out_of_scope", 0.25)), known=0.75)
    return Guess((("out_of_scope", 0.6), ("recommend", 0.4)), known=0.3)

"""Sentences of our own that teach feelings and needs before a shop has any. Both languages."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

from crm.ml.feelings import NEGATIVE, POSITIVE

FRAMES = {
    "zh": ("{w}", "东西{w}", "真的{w}", "整体{w}，收到了"),
    "en": ("{w}", "it is {w}", "really {w}", "{w}, as I found"),
}
PLAIN = {
    "zh": "还可以|一般般|中规中矩|凑合能用|普普通通|收到了|已经下单|明天再看看|想问一下尺寸|有没有蓝色的|怎么退货|运费多少|订单号是多少|给家里人买的|和描述一样|没什么特别的|第一次买|先用用看|什么时候发货|我想买一部手机|不好不坏|过得去",
    "en": "it is okay|average|so so|does the job, no more|nothing special|received it|ordered yesterday|I will see|what size is it|do you have it in blue|how do I return it|how much is shipping|what is my order number|bought it for my family|as described|first time here|will try it first|when does it ship|I need a phone|neither good nor bad|it is fine I guess|acceptable",
}
DENIED = {
    "neg": "不好|不满意|不喜欢|不值|没有想象的好|不推荐|一点也不好用|not good|not happy|do not like it|not worth it|would not recommend|never again|not what I expected|does not work",
    "pos": "不差|没有失望|没毛病|没得挑|不错不错|not bad at all|no complaints|cannot complain|never disappointed|no problems so far",
}
NEEDS = {
    "advice": "有什么手机推荐|想买一台电脑|哪款耳机比较好|送妈妈什么合适|这个适合学生用吗|这两款哪个好|有没有黑色的|还有货吗|recommend me a phone|looking for a gift|which one suits a beginner|is this good for running|compare these two|do you have it in black|is it in stock|what would you suggest for my father",
    "price": "有优惠券吗|能不能便宜点|什么时候打折|这个多少钱|价格能再低一点吗|满减怎么算|双十一会降价吗|学生有折扣吗|any coupons|can I get a discount|is there a sale|how much is it|cheaper please|do you match prices|when is the next promotion|is there a student discount",
    "delivery": "快递到哪了|什么时候发货|怎么还没到|运费怎么算|能改收货地址吗|物流太慢了|可以送到公司吗|几天能到|where is my parcel|when will it ship|my order has not arrived|how much is shipping|can I change the address|delivery was late|do you deliver abroad|how long does delivery take",
    "after_sales": "我要退货|怎么申请退款|东西坏了|收到就是破的|能换货吗|质量有问题|我要投诉|保修多久|少发了一件|I want a refund|how do I return this|it broke after two days|arrived damaged|can I exchange it|this is faulty|I want to complain|how long is the warranty|one item is missing",
    "account": "忘记密码了|怎么注册会员|登录不了|删除我的资料|不要再发短信给我|怎么改手机号|会员等级怎么算|取消订阅|I forgot my password|how do I sign up|cannot log in|delete my data|stop sending me emails|change my phone number|unsubscribe me|how do member levels work",
    "praise": "谢谢你们|非常满意|质量很好|客服很有耐心|物流很快|很喜欢这个颜色|下次还来|物超所值|thank you so much|love it|great quality|support was helpful|delivery was quick|very happy with it|will buy again|better than expected",
    "other": "你好|在吗|再见|好的|嗯|是的|不用了|哈哈|hello|hi there|goodbye|okay|yes|no|never mind|haha",
}  # fmt: skip


def feelings() -> list[tuple[str, str]]:
    """(text, pos, neg or neu): telling words in small frames, plain sentences, denials."""
    rows = []
    for label, table in (("pos", POSITIVE), ("neg", NEGATIVE)):
        for language, words in table.items():
            for word in words.split():
                rows += [(frame.format(w=word), label) for frame in FRAMES[language]]
    rows += [(text, "neu") for texts in PLAIN.values() for text in texts.split("|")]
    return rows + [(text, label) for label, texts in DENIED.items() for text in texts.split("|")]


def needs() -> list[tuple[str, str]]:
    return [(text, need) for need, texts in NEEDS.items() for text in texts.split("|")]

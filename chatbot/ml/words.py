"""Words of trade that every shop shares, in both languages: people, aspects, channels, wishes."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

RECIPIENTS: dict[str, tuple[str, ...]] = {
    "girlfriend": ("女朋友", "女友", "对象", "girlfriend"),
    "boyfriend": ("男朋友", "男友", "boyfriend"),
    "wife": ("老婆", "妻子", "太太", "媳妇", "wife"),
    "husband": ("老公", "丈夫", "先生", "husband"),
    "mother": ("妈妈", "母亲", "老妈", "我妈", "mother", "mom", "mum"),
    "father": ("爸爸", "父亲", "老爸", "我爸", "father", "dad"),
    "parents": ("父母", "爸妈", "parents"),
    "grandparents": (
        "爷爷",
        "奶奶",
        "外婆",
        "外公",
        "老人",
        "长辈",
        "grandpa",
        "grandma",
        "grandparents",
    ),
    "child": ("孩子", "小孩", "小朋友", "宝宝", "child", "kid", "kids", "children"),
    "son": ("儿子", "my son"),
    "daughter": ("女儿", "daughter"),
    "sister": ("姐姐", "妹妹", "sister"),
    "brother": ("哥哥", "弟弟", "brother"),
    "friend": ("朋友", "闺蜜", "哥们", "friend"),
    "colleague": ("同事", "colleague", "coworker"),
    "boss": ("老板", "领导", "boss"),
    "teacher": ("老师", "teacher"),
}
ASPECTS: dict[str, str] = {
    "price": r"多少钱|价格(?!保护|无所谓|不限|不是问题|随意|好说|都行)|价钱|什么价|售价|卖多少|几块钱|how much|\bprices?\b(?! (?:protection|match|adjust|drop|guarantee))|\bcosts?\b|贵不贵",
    "warranty": r"保修|质保|warrant|guarantee",
    "carrier": r"谁送|谁家(?:快递|物流)|哪家(?:物流|送)|什么物流|who(?:\'s| is| will be)? (?:deliver|bring|ship)\w*|什么快递|哪家快递|哪个快递|快递公司|承运|carrier|courier|which (?:delivery|shipping) company",
    "color": r"什么颜色|哪些颜色|几种颜色|(?<!别的)(?<!其他)(?<!其它)颜色(?!都|也|不限|无所谓|随便|不重要)|colou?rs?\b",
    "size": r"尺码(?!表|怎么选)|尺寸|码数|多大码|哪些码|什么码|\bsizes?\b(?!\s*(?:\d|xs|s|m|l|xl|to get|should|chart|guide))",
    "stock": r"有货|库存|现货|缺货|没货|断货|in stock|out of stock|available|availability|\bstock\b|sold out",
}
CHANNELS: dict[str, str] = {
    "sms": r"短信|信息推送|sms\b|text messages?|\btexts?\b|texting",
    "email": r"邮件|邮箱|mailing list|e-?mail(?:s|ing|ed)?\b|newsletters?|\bmails?\b",
    "wechat": r"微信|公众号|wechat",
    "all": r"所有|全部|一切|任何|通通|统统|都别|都不|全都|\ball\b|everything|any (?:more )?(?:messages|channel)|anything",
}
RETURN_TYPES: dict[str, str] = {
    "exchange": r"换货|换新|换双|换一|换个(?!牌|品|颜|款|便|别)|换成|换大|换小|换码|调换|想换|要换|能换|可以换|退换|更换|\bexchang|\bswap|\breplac(?:e|ed|ing|ement)s?\b",
    "return": r"退货|退款|退掉|退了|想退|要退|能退|可以退|退一下|给我退|申请退|退回|我退|\breturn|\brefund|money back|send (?:it|this|them|these|something|one|\w+ order) back|send(?:ing)? back|give (?:it|this|them) back",
}
PRICE_ANY = (
    r"(?:价格|价钱|价位|预算|多少钱)(?:都)?(?:无所谓|不限|不是问题|随意|好说|都行|没要求)|不差钱|贵点没关系"
    r"|price (?:doesn't|does not) matter|money(?:'s| is) no (?:object|issue)|any price|no budget limit"
)
BRAND_ANY = r"(?:牌子|品牌)(?:都)?(?:不限|无所谓|都行|随便|不重要)|\bany brand\b|\bbrand (?:doesn't|does not) matter\b"
COLOR_ANY = (
    r"颜色(?:都行|都可以|不限|无所谓|随便|不重要)|(?:别的|其他|其它)颜色(?:也|都)?(?:行|可以|无所谓)|(?:什么|任何|啥)颜色(?:也|都)(?:行|可以|好|无所谓)"
    r"|\bany colou?r\b|\bcolou?r (?:doesn't|does not) matter\b"
)
OTHER_BRAND = r"(?:别的|其他|其它|另外的?|换一?个)(?:别的)?(?:牌子|品牌)|别的牌子|\b(?:another|different|other) brands?\b"
RELATIVES: dict[str, str] = {
    "cheapest": r"最便宜|最低价|价格最低|最实惠|cheapest|least expensive|lowest price",
    "cheaper": r"便宜|实惠|太贵|有点贵|好贵|贵了|平价|划算|价格低|降价的|cheaper|less expensive|too (?:expensive|pricey|much)"
    r"|lower price|more affordable|\bcheap\b|affordable|don't cost as much",
    "pricier": r"贵一点|贵点|贵些|更贵|贵的那|贵的(?:一)?[个款]|高端|高档|更好的|好一点的|pricier|more expensive|higher[- ]end|premium|better ones?|fancier",
    "similar": r"类似|差不多的|相似|同款|这样的|这种的|\bsimilar|(?<!n't )(?<!dont )(?<!not )(?<!really )\blike (?:this|that|it)\b|alike",
    "other": r"换一批|换一组|换几个|换一些|换一款|换个别|换一个看|别的|其他|其它|另外的|还有吗|还有没有(?!货|库存|现货)|还有什么|再来几|换个(?:牌子|品牌)"
    r"|换(?:一)?种|\bothers?\b(?! than)|another|different|something else|anything else|what else|\bmore options|show me more|alternatives?|else do you",
}
TRADE: tuple[str, ...] = (  # misspelt often enough to be worth mending
    *("cancel", "return", "refund", "exchange", "unsubscribe", "subscribe", "delivery", "address"),
    *("coupon", "voucher", "discount", "recommend", "compare", "invoice", "warranty", "receipt"),
    *("cheaper", "password", "delete", "parcel", "package", "instalment", "membership", "privacy"),
)
NEGATORS = (
    r"(?:不要|别要|不想要|不喜欢|不考虑|不买|不看|不用|除了|除开|除|排除|去掉|别推荐|别给我|非|讨厌|别管|忘了|不用管|不是"
    r"|\bnot?\b|\bwithout\b|\bexcept(?: for)?\b|\bother than\b|\bbut not\b|\banything but\b|\bexclud(?:e|ing)\b"
    r"|\bdon'?t (?:want|like|need|show)(?: me)?\b|\bhate\b|\bavoid\b|\bforget(?: about)?\b|\bnever ?mind\b|\bdrop\b|\bbesides\b|\bapart from\b)"
)
CORRECTION = (
    r"(?:不对|不是不是|啊不|呃不|哦不是|不不|说错了|我说错|打错了|写错了|错了|哦不|噢不|等等|等下|应该是|我是说|我的意思是|更正"
    r"|\bno wait\b|\bwait,? no\b|\bsorry,? i mean\b|\bi mean(?:t)?\b|\bactually\b|\bscratch that\b|\bcorrection\b|\boops\b|\brather\b)"
)

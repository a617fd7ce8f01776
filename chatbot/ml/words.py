"""Words of trade that every shop shares, in both languages: colours, features, people …

The catalogue says which colours and features exist; this says how people call them.
"""

COLORS: dict[str, tuple[str, ...]] = {
    "black": ("黑色", "黑的", "纯黑", "曜石黑", "black"),
    "white": ("白色", "白的", "纯白", "white"),
    "red": ("红色", "红的", "大红", "red"),
    "blue": ("蓝色", "蓝的", "天蓝", "浅蓝", "blue"),
    "green": ("绿色", "绿的", "墨绿", "green"),
    "grey": ("灰色", "灰的", "深灰", "浅灰", "grey", "gray"),
    "silver": ("银色", "银的", "银白", "silver"),
    "pink": ("粉色", "粉的", "粉红", "粉红色", "pink"),
    "navy": ("藏青", "藏青色", "深蓝", "深蓝色", "藏蓝", "海军蓝", "navy", "navy blue", "dark blue"),
    "brown": ("棕色", "棕的", "褐色", "咖啡色", "brown"),
    "gold": ("金色", "金的", "gold", "golden"),
    "purple": ("紫色", "紫的", "purple"),
    "yellow": ("黄色", "黄的", "yellow"),
    "orange": ("橙色", "橙的", "橘色", "orange"),
    "beige": ("米色", "米白", "beige"),
}
FEATURES: dict[str, tuple[str, ...]] = {
    "5g": ("5g",),
    "camera": ("拍照", "拍照好", "拍照好看", "相机", "摄影", "摄像", "camera", "photo", "photography"),
    "selfie": ("自拍", "前置摄像头", "selfie", "front camera"),
    "battery": ("续航", "续航久", "续航长", "电池耐用", "电池大", "待机时间长", "待机", "battery",
                "battery life", "long battery", "long lasting"),
    "compact": ("小屏", "小巧", "小尺寸", "紧凑", "compact", "small screen"),
    "slim": ("轻薄", "纤薄", "超薄", "slim", "thin"),
    "waterproof": ("防水", "waterproof", "water resistant", "water-proof"),
    "business": ("商务", "办公", "business", "for work", "office work"),
    "lightweight": ("轻薄", "轻便", "轻一点", "重量轻", "便携", "轻量", "轻巧", "lightweight", "light weight",
                    "light", "portable"),
    "student": ("学生", "上学", "上网课", "网课", "学习用", "学习", "student", "for school", "for college", "studying"),
    "gaming": ("游戏", "打游戏", "玩游戏", "电竞", "gaming", "games", "game"),
    "noise_cancelling": ("降噪", "主动降噪", "消噪", "noise cancelling", "noise canceling",
                         "noise cancellation", "noise-cancelling", "anc"),
    "over_ear": ("头戴", "头戴式", "over ear", "over-ear", "around ear"),
    "in_ear": ("入耳", "入耳式", "in ear", "in-ear"),
    "drawing": ("画画", "绘画", "画图", "手绘", "drawing", "sketching", "to draw", "draw"),
    "fitness": ("健身", "运动监测", "锻炼", "fitness", "workout", "exercise"),
    "running": ("跑步", "慢跑", "running", "jogging", "run"),
    "casual": ("休闲", "日常穿", "casual", "everyday wear"),
    "warm": ("保暖", "暖和", "厚实", "御寒", "warm"),
    "summer": ("夏天", "夏季", "夏天穿", "summer"),
    "anti_aging": ("抗老", "抗衰", "抗衰老", "抗皱", "anti aging", "anti-aging", "anti-ageing",
                   "anti wrinkle", "anti-wrinkle"),
    "sensitive": ("敏感肌", "敏感皮", "敏感", "敏感皮肤", "sensitive", "sensitive skin"),
    "sunscreen": ("防晒", "防晒霜", "防晒乳", "sunscreen", "sunblock", "sun protection", "spf"),
    "automatic": ("全自动", "自动", "automatic", "fully automatic"),
    "capsule": ("胶囊", "capsule", "pod", "pods"),
    "cordless": ("无线", "cordless", "wireless"),
    "wireless": ("无线", "蓝牙", "wireless", "bluetooth"),
    "organic": ("有机", "organic"),
    "cotton": ("纯棉", "棉", "cotton"),
    "leather": ("皮质", "真皮", "leather"),
    "foldable": ("折叠", "可折叠", "foldable", "folding"),
}
CATEGORY_WORDS: dict[str, tuple[str, ...]] = {  # how people also call common kinds of goods
    "phone": ("电话机", "智能手机", "cellphone", "handset", "mobile phone"),
    "laptop": ("手提电脑", "笔电", "notebook computer", "电脑", "computer"),
    "headphones": ("耳麦", "headset", "headphone", "earbud", "earphone"),
    "tablet": ("平板机",),
    "watch": ("腕表", "smart watch", "wristband", "fitness band"),
    "shoes": ("鞋子", "球鞋", "波鞋", "shoe", "sneaker", "trainers", "running shoe"),
    "jacket": ("夹克", "大衣", "棉服", "puffer"),
    "dress": ("裙", "长裙", "skirt"),
    "skincare": ("护肤", "护肤产品", "面膜", "乳液", "精华", "skin care", "face cream", "moisturizer", "lotion"),
    "coffee_machine": ("咖啡壶", "espresso machine", "coffee maker", "coffeemaker"),
    "vacuum": ("吸尘机", "hoover"),
    "rice_cooker": ("电饭锅", "饭锅"),
}
RECIPIENTS: dict[str, tuple[str, ...]] = {
    "girlfriend": ("女朋友", "女友", "对象", "girlfriend"),
    "boyfriend": ("男朋友", "男友", "boyfriend"),
    "wife": ("老婆", "妻子", "太太", "媳妇", "wife"),
    "husband": ("老公", "丈夫", "先生", "husband"),
    "mother": ("妈妈", "母亲", "老妈", "我妈", "mother", "mom", "mum"),
    "father": ("爸爸", "父亲", "老爸", "我爸", "father", "dad"),
    "parents": ("父母", "爸妈", "parents"),
    "grandparents": ("爷爷", "奶奶", "外婆", "外公", "老人", "长辈", "grandpa", "grandma", "grandparents"),
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
    "price": r"多少钱|价格|价钱|什么价|售价|卖多少|几块钱|how much|\bprices?\b|\bcosts?\b|贵不贵",
    "warranty": r"保修|质保|warrant|guarantee",
    "carrier": r"什么快递|哪家快递|哪个快递|快递公司|承运|carrier|courier|which (?:delivery|shipping) company",
    "color": r"什么颜色|哪些颜色|几种颜色|颜色|colou?rs?\b",
    "size": r"尺码|尺寸|码数|多大码|哪些码|什么码|\bsizes?\b(?!\s*(?:\d|xs|s|m|l|xl))",
    "stock": r"有货|库存|现货|缺货|没货|断货|in stock|out of stock|available|availability|\bstock\b|sold out",
}
CHANNELS: dict[str, str] = {
    "sms": r"短信|信息推送|sms\b|text messages?|\btexts?\b|texting",
    "email": r"邮件|邮箱|e-?mails?\b|newsletters?|\bmails?\b",
    "wechat": r"微信|公众号|wechat",
    "all": r"所有|全部|一切|任何|通通|统统|都别|都不|全都|\ball\b|everything|any (?:more )?(?:messages|channel)|anything",
}
RETURN_TYPES: dict[str, str] = {
    "exchange": r"换货|换一|换个|换成|换大|换小|换码|调换|想换|要换|能换|可以换|退换|更换|\bexchang|\bswap|\breplace",
    "return": r"退货|退款|退掉|退了|想退|要退|能退|可以退|退一下|给我退|申请退|退回|我退|\breturn|\brefund|money back|send (?:it|this|them) back",
}
RELATIVES: dict[str, str] = {
    "cheapest": r"最便宜|最低价|价格最低|最实惠|cheapest|least expensive|lowest price",
    "cheaper": r"便宜|实惠|太贵|有点贵|好贵|贵了|平价|划算|价格低|降价的|cheaper|less expensive|too (?:expensive|pricey|much)"
    r"|lower price|more affordable|\bcheap\b|affordable|don't cost as much",
    "pricier": r"贵一点|贵点|贵些|更贵|高端|高档|更好的|好一点的|pricier|more expensive|higher[- ]end|premium|better ones?|fancier",
    "similar": r"类似|差不多的|相似|同款|这样的|这种的|\bsimilar|like (?:this|that|it)\b|alike",
    "other": r"换一批|换一组|换几个|换一些|换一款|换个别|换一个看|别的|其他|其它|另外的|还有吗|还有没有|还有什么|再来几|换个(?:牌子|品牌)"
    r"|换(?:一)?种|\bothers?\b|another|different|something else|anything else|what else|\bmore options|show me more|alternatives?|else do you",
}
NEGATORS = (
    r"(?:不要|别要|不想要|不喜欢|不考虑|不买|不看|不用|除了|除开|除|排除|去掉|别推荐|别给我|非|讨厌|不是"
    r"|\bnot?\b|\bwithout\b|\bexcept(?: for)?\b|\bother than\b|\bbut not\b|\banything but\b|\bexclud(?:e|ing)\b"
    r"|\bdon'?t (?:want|like|need|show)(?: me)?\b|\bhate\b|\bavoid\b|\bbesides\b|\bapart from\b)"
)
CORRECTION = (
    r"(?:不对|不是不是|说错了|我说错|打错了|写错了|错了|哦不|噢不|等等|等下|应该是|我是说|我的意思是|更正"
    r"|\bno wait\b|\bwait,? no\b|\bsorry,? i mean\b|\bi mean(?:t)?\b|\bactually\b|\bscratch that\b|\bcorrection\b|\boops\b|\brather\b)"
)

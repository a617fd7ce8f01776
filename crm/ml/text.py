"""Words from a message: one spelling, its language, its tokens."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
import unicodedata
from functools import lru_cache

TRADITIONAL = (
    "買賣這個們說話請問嗎麼樣還貨價錢員單號運費訂購訊簡電視機腦筆記錄頭錶鞋裝褲長寬顏色紅綠藍"
    "銀棕黃紙盒禮贈券優惠減滿額實體發票開據點時間幾會經過當應該無線藥補隱權資料刪除轉為從對於"
    "給讓進遞達現場師傅聯繫絡線際國外島區縣樓層門車輕薄厚舊損壞漏爛質與換貼碼檢驗處錯誤導購類"
    "別條種樣選擇細節參數網頁題術專業級強夠較貴僅雙隻歡迎謝煩聽見關後復擔憂傷腳適熱飯鍋塵淨學"
    "畫遊戲輸響聲連書寫圖總結賬戶註冊號碼閱讀僕廣東灣獎積點滾報導蘋亞馬遜爾麗萊雅歐薔羽絨裙"
    "寶貝媽爺孫親愛結婚節慶紀陽臺兩萬億雲確認觸願內來沒裡誰幫帳劵週籃產並讚興帶鏡盤鍵遲裏證張約兒歲熱廚飲飛雞魚練習斷該燈專業"
)
SIMPLIFIED = (
    "买卖这个们说话请问吗么样还货价钱员单号运费订购讯简电视机脑笔记录头表鞋装裤长宽颜色红绿蓝"
    "银棕黄纸盒礼赠券优惠减满额实体发票开据点时间几会经过当应该无线药补隐权资料删除转为从对于"
    "给让进递达现场师傅联系络线际国外岛区县楼层门车轻薄厚旧损坏漏烂质与换贴码检验处错误导购类"
    "别条种样选择细节参数网页题术专业级强够较贵仅双只欢迎谢烦听见关后复担忧伤脚适热饭锅尘净学"
    "画游戏输响声连书写图总结账户注册号码阅读仆广东湾奖积点滚报导苹亚马逊尔丽莱雅欧蔷羽绒裙"
    "宝贝妈爷孙亲爱结婚节庆纪阳台两万亿云确认触愿内来没里谁帮账券周篮产并赞兴带镜盘键迟里证张约儿岁热厨饮飞鸡鱼练习断该灯专业"
)
SIMPLER = str.maketrans(dict(zip(TRADITIONAL, SIMPLIFIED, strict=True)))
CHINESE = re.compile(r"[\u3400-\u9fff]")
LATIN_WORD = re.compile(r"[a-zà-öø-ÿ]+(?:'[a-z]+)?", re.IGNORECASE)
TOKEN = re.compile(r"[a-zà-öø-ÿ]+(?:'[a-z]+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]+", re.IGNORECASE)
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
BLANKS = re.compile(r"\s+")


def normalise(text: str) -> str:
    """One spelling for what looks the same: full-width, traditional and invisible characters."""
    text = unicodedata.normalize("NFKC", text).translate(SIMPLER)
    text = INVISIBLE.sub("", text).replace("’", "'").replace("‘", "'")
    text = "".join(c if c.isprintable() else " " for c in text)
    return BLANKS.sub(" ", text).strip()


def language_of(text: str, *, names: tuple[str, ...] = (), before: str = "") -> str:
    """Return "zh" or "en". `names` (of products, of brands) belong to no language.

    Where nothing is left to judge by, the answer is the language spoken `before`.
    """
    rest = re.sub(
        r"\S*\d\S*" if not CHINESE.search(text) else r"[a-zA-Z]*\d+[a-zA-Z\d]*", " ", text.lower()
    )
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name.lower(), " ")
    chinese = len(CHINESE.findall(rest))
    latin = [word for word in LATIN_WORD.findall(rest) if len(word) > 1 or word in ("a", "i")]
    if not chinese and not latin:
        if before:
            return before
        chinese = len(CHINESE.findall(text))
        return "zh" if chinese else "en"
    return "zh" if chinese > 1.5 * len(latin) or (chinese and not latin) else "en"


def tokens_of(text: str) -> list[str]:
    """Words: Chinese cut by rjieba, everything else at blanks and punctuation."""
    tokens: list[str] = []
    for run in TOKEN.findall(text.lower()):
        tokens.extend(_cut(run) if CHINESE.match(run) else [run])
    return tokens


@lru_cache(maxsize=4096)
def _cut(run: str) -> tuple[str, ...]:
    import rjieba  # its dictionary takes a moment to load

    return tuple(word for word in rjieba.cut(run) if word.strip())


def clauses_of(text: str) -> list[str]:
    """Parts of a message that may each want something of their own."""
    parts = re.split(
        r"[。;；!！?？\n]+|[,，]\s*(?:另外|还有|顺便|对了|而且|然后|同时|再|also|and|then|plus|btw|by the way)"
        r"|\b(?:and also|by the way|btw|also)\b|(?:另外|顺便|对了)|[,，]|\.(?=\s)",
        text,
        flags=re.IGNORECASE,
    )
    return [part.strip(" ,，.、") for part in parts if len(part.strip(" ,，.、")) > 1]

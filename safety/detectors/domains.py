"""Top-level domains that Slack links without a scheme (from IANA's root zone, the common part)."""

GENERIC = """
academy agency ai app art asia audio auction band bank bar beauty best bet bid bio biz black blog
blue bond boutique buzz cafe camp capital cards care careers casa cash casino cat center chat
cheap church city click clinic clothing cloud club codes coffee com community company computer
cool coop coupons credit cricket cyou date dating deals delivery dental design dev diet digital
direct directory dog domains download earth edu education email energy engineer equipment estate
events exchange expert express fail faith family fans farm fashion finance fit fitness flights
florist foundation fun fund fyi gallery game games garden gift gifts global gmbh gold golf gov
graphics gratis green group guide guru health help holiday homes host hosting house how icu inc
info ink institute insure int international investments jobs kim kitchen land lat law lawyer legal
life lighting limited link live llc loan loans lol love ltd management map market marketing mba
media memorial menu mil mobi moda moe money monster mov movie museum music name net network new
news ngo ninja one online org page paris partners parts party pet photo photography photos pics
pictures pink pizza place plumbing plus poker press pro productions properties property pub quest
racing realty recipes red rent rentals repair report rest restaurant review reviews rip rocks run
sale salon sbs school science security services sexy shoes shop shopping show site ski skin
social software solar solutions space sport storage store stream studio study style supplies
supply support surf surgery systems tax taxi team tech technology tel tennis theater tips tires
today tools top tours town toys trade trading training travel tv university uno vacations vc
ventures vet viajes video villas vip vision vote wang watch webcam website wedding wiki win wine
work works world wtf xxx xyz yoga zip zone
"""
COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt
bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er
es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht
hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr
ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng
ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd
se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw
tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""

TOP_LEVEL = frozenset(GENERIC.split()) | frozenset(COUNTRIES.split())

# Writers mean a file by "notes.md"; with a path behind it, it is a host.
FILE_ENDINGS = frozenset({"md", "py", "sh", "rs", "pl", "ps", "so", "cc", "zip", "mov", "app"})

FILES = """
js ts jsx tsx mjs vue html htm css scss json yaml yml toml ini cfg conf env lock log txt csv tsv
xml svg png jpg jpeg gif webp pdf doc docx xls xlsx ppt pptx odt java class jar cpp hpp rb php lua
sql exe dll bat tar gz mp3 mp4 wav ipynb tex rst
"""
# Endings of files that are no top-level domain: "Node.js/React" is not a host.
NO_DOMAINS = frozenset(FILES.split())

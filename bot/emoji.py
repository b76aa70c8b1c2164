"""The names that Slack gives to an emoji that people call by several. Knows nothing else.

A reaction has Slack's own name, whichever of the names somebody typed: `:thumbsup:` arrives as
`+1`. The names are those of https://github.com/iamcal/emoji-data, which Slack's emoji are; flags
and the long descriptions of faces are left out.
https://docs.slack.dev/reference/methods/reactions.add
"""

from collections.abc import Mapping

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "+1": ("thumbsup",),
    "-1": ("thumbsdown",),
    "bee": ("honeybee",),
    "boat": ("sailboat",),
    "book": ("open_book",),
    "boom": ("collision",),
    "car": ("red_car",),
    "crossed_fingers": ("hand_with_index_and_middle_fingers_crossed",),
    "dolphin": ("flipper",),
    "email": ("envelope",),
    "exclamation": ("heavy_exclamation_mark",),
    "facepunch": ("punch",),
    "feet": ("paw_prints",),
    "fried_egg": ("cooking",),
    "hand": ("raised_hand",),
    "hankey": ("poop", "shit"),
    "hocho": ("knife",),
    "izakaya_lantern": ("lantern",),
    "ladybug": ("lady_beetle",),
    "laughing": ("satisfied",),
    "lightning": ("lightning_cloud",),
    "mans_shoe": ("shoe",),
    "memo": ("pencil",),
    "moon": ("waxing_gibbous_moon",),
    "phone": ("telephone",),
    "runner": ("running",),
    "shirt": ("tshirt",),
    "the_horns": ("sign_of_the_horns",),
    "tornado": ("tornado_cloud",),
}
SLACKS_NAME = {other: name for name, others in OTHER_NAMES.items() for other in others}


def slacks_name(name: str) -> str:
    """Return the name by which Slack knows an emoji; `name` may have colons and a skin tone.

    A name that Slack does not share out, such as a team's own emoji has, stays as it is.
    """
    bare, tone, number = name.strip(":").partition("::")
    return SLACKS_NAME.get(bare, bare) + tone + number

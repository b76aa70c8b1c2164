"""The rules: small classes with one method each, which finds spans of a text."""

from collections.abc import Iterable
from typing import Protocol

from safety.detectors.account import Accounts
from safety.detectors.card import CardNumbers
from safety.detectors.columns import Columns
from safety.detectors.credentials import Secrets
from safety.detectors.email_address import Emails
from safety.detectors.handle import Handles
from safety.detectors.identity import Identities, Plates
from safety.detectors.invisible import Invisible
from safety.detectors.ip_address import IPAddresses
from safety.detectors.links import Links
from safety.detectors.phone import Phones
from safety.detectors.slack_markup import SlackMarkup
from safety.policy.policy import Policy
from safety.text.normalise import NormalisedText
from safety.verdict import Finding


class Detector(Protocol):
    """Finds spans in a normalised text; no finding crosses a border (see `segmentation`)."""

    def find(self, text: NormalisedText) -> Iterable[Finding]: ...


def rules(policy: Policy) -> tuple[Detector, ...]:
    """Return every detector, as the policy sets them."""
    return (
        Invisible(),
        SlackMarkup(),
        Links(policy.links.allow),
        Secrets(),
        Columns(),
        Emails(),
        CardNumbers(),
        Phones(policy.phones.regions),
        Identities(),
        Plates(),
        Accounts(),
        Handles(),
        IPAddresses(),
    )

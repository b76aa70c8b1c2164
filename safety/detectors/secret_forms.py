"""The forms of credentials that their issuers publish."""

import re
from typing import NamedTuple


class SecretForm(NamedTuple):
    """The form of a credential: its rule, its pattern; one of the hints must occur in the text."""

    rule: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(rule: str, hints: str, pattern: str) -> SecretForm:
    bounded = rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"
    return SecretForm(rule, tuple(hints.split()), re.compile(bounded))


UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

SECRET_FORMS = (
    # Clouds and hosting
    _form("aws_access_key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    _form("aws_bedrock_key", "ABSK", r"ABSK[A-Za-z0-9+/]{109,269}={0,2}"),
    _form("google_api_key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _form("google_oauth", "ya29. GOCSPX-", r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{28}"),
    _form("azure_storage_key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _form("azure_sas", "sig=", r"sig=[A-Za-z0-9%+/]{43,60}(?:%3D|=)"),
    _form("azure_client_secret", "8Q~ 7Q~", r"[A-Za-z0-9_.~-]{3}[78]Q~[A-Za-z0-9_.~-]{31,34}"),
    _form("alibaba_access_key", "LTAI", r"LTAI[A-Za-z0-9]{12,26}"),
    _form("tencent_secret_id", "AKID", r"AKID[A-Za-z0-9]{32}"),
    _form("yandex_key", "AQVN", r"AQVN[A-Za-z0-9_-]{35,38}"),
    _form("digitalocean_token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _form("heroku_key", "HRKU-", r"HRKU-[A-Za-z0-9_-]{36,64}"),
    _form("fly_token", "FlyV1 fm2_", r"fm[12][ar]?_[A-Za-z0-9+/=_-]{60,}"),
    _form("netlify_token", "nfp_", r"nfp_[A-Za-z0-9_]{36,}"),
    _form("tailscale_key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)?"),
    _form("cloudflare_key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    # Code, packages, builds
    _form("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _form("github_token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _form("gitlab_token", "gl", r"gl(?:pat|ptt|dt|rt|cbt|soat|imt|ft|agent)-[A-Za-z0-9_.-]{20,}"),
    _form("bitbucket_token", "ATBB", r"ATBB[A-Za-z0-9]{32}"),
    _form("npm_token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _form("pypi_token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _form("rubygems_key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _form("nuget_key", "oy2", r"oy2[a-z0-9]{43}"),
    _form("docker_token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    _form("circleci_token", "CCIPAT_", r"CCIPAT_[A-Za-z0-9]{22}_[0-9a-fA-F]{40}"),
    _form("buildkite_token", "bkua_", r"bkua_[0-9a-f]{40}"),
    _form("sonar_token", "sqa_ sqp_ squ_", r"sq[apu]_[0-9a-f]{40}"),
    _form("artifactory_key", "AKCp", r"AKCp[A-Za-z0-9]{69}"),
    _form("postman_key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _form("pulumi_token", "pul-", r"pul-[0-9a-f]{40}"),
    _form("terraform_token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    _form("vault_token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _form("doppler_token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,80}"),
    _form("onepassword_token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/=_-]{250,}"),
    _form("age_key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    _form("planetscale_token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{32,64}"),
    _form("supabase_key", "sbp_ sb_secret_", r"sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{31,}"),
    _form("databricks_token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    # Models
    _form("anthropic_key", "sk-ant-", r"sk-ant-[a-z]{3,6}[0-9]{2}-[A-Za-z0-9_-]{32,}"),
    _form(
        "openai_key",
        "sk-",
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{32,}|sk-[A-Za-z0-9]{32,}",
    ),
    _form("openrouter_key", "sk-or-", r"sk-or-v1-[0-9a-f]{64}"),
    _form("huggingface_token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    _form("groq_key", "gsk_", r"gsk_[A-Za-z0-9]{52}"),
    _form("xai_key", "xai-", r"xai-[A-Za-z0-9]{70,}"),
    _form("perplexity_key", "pplx-", r"pplx-[A-Za-z0-9]{48,}"),
    _form("replicate_token", "r8_", r"r8_[A-Za-z0-9]{37}"),
    _form("nvidia_key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{60,}"),
    _form("pinecone_key", "pcsk_", r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,}"),
    _form("langsmith_key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    # Messages and mail
    _form("slack_token", "xox", r"xox(?:e\.xox)?[abceoprs]-[A-Za-z0-9-]{10,}"),
    _form("slack_token", "xapp-", r"xapp-[0-9]-[A-Za-z0-9]+-[0-9]+-[A-Za-z0-9]{32,}"),
    _form(
        "slack_webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9]{8,}/[A-Za-z0-9/]{20,}",
    ),
    _form(
        "discord_webhook",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}",
    ),
    _form(
        "teams_webhook",
        "webhook.office.com",
        r"webhook\.office\.com/webhookb2/[0-9a-f@-]{36,80}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36}",
    ),
    _form(
        "wecom_webhook",
        "qyapi.weixin",
        r"qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[0-9a-f-]{36}",
    ),
    _form(
        "dingtalk_webhook",
        "oapi.dingtalk",
        r"oapi\.dingtalk\.com/robot/send\?access_token=[0-9a-f]{64}",
    ),
    _form("feishu_webhook", "/bot/v2/hook/", r"open-apis/bot/v2/hook/[0-9a-f-]{36}"),
    _form(
        "discord_token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"
    ),
    _form("telegram_bot_token", ":", r"[0-9]{8,10}:[A-Za-z0-9_-]{35}"),
    _form("sendgrid_key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _form("brevo_key", "xkeysib- xsmtpsib-", r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    _form("twilio_key", "SK", r"SK[0-9a-f]{32}"),
    _form("mailgun_key", "key-", r"key-[0-9a-f]{32}"),
    _form("mailchimp_key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    # Money
    _form("stripe_key", "_live_ _test_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _form("stripe_webhook_secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{32,}"),
    _form("square_token", "sq0", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}"),
    _form("square_token", "EAAA", r"EAAA[A-Za-z0-9_-]{60}"),
    _form("shopify_token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _form("plaid_token", "access-", r"access-(?:sandbox|development|production)-[0-9a-f-]{36}"),
    _form("razorpay_key", "rzp_", r"rzp_(?:live|test)_[A-Za-z0-9]{14}"),
    _form("flutterwave_key", "FLWSECK", r"FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?"),
    _form("easypost_key", "EZ", r"EZ[AT]K[A-Za-z0-9]{54}"),
    _form("shippo_token", "shippo_", r"shippo_(?:live|test)_[0-9a-f]{40}"),
    # Work
    _form("atlassian_token", "ATATT3 ATCTT3", r"AT[AC]TT3[A-Za-z0-9_=-]{60,}"),
    _form("linear_key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    _form("notion_token", "ntn_ secret_", r"(?:ntn|secret)_[A-Za-z0-9]{40,50}"),
    _form("airtable_token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _form("figma_token", "fig", r"fig[dours]{1,2}_[A-Za-z0-9_-]{40,}"),
    _form("asana_token", "1/1 2/1", r"[12]/[0-9]{13,17}(?:/[0-9]{13,17})?:[0-9a-f]{32}"),
    _form("dropbox_token", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{120,}"),
    _form("hubspot_token", "pat-", rf"pat-(?:na|eu)[0-9]-{UUID}"),
    _form("typeform_token", "tfp_", r"tfp_[A-Za-z0-9_-]{40,59}"),
    _form("contentful_token", "CFPAT-", r"CFPAT-[A-Za-z0-9_-]{43}"),
    _form("facebook_token", "EAA", r"EAA[A-Z][A-Za-z0-9]{90,250}"),
    _form("mapbox_token", "sk.eyJ", r"sk\.eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}"),
    # Watching
    _form(
        "grafana_token",
        "glsa_ glc_",
        r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,}",
    ),
    _form(
        "sentry_token", "sntryu_ sntrys_", r"sntryu_[0-9a-f]{64}|sntrys_eyJ[A-Za-z0-9+/=_-]{80,}"
    ),
    _form("newrelic_key", "NRAK- NRII-", r"NR(?:AK|II)-[A-Za-z0-9_-]{27,32}"),
    _form("dynatrace_token", "dt0", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _form("launchdarkly_key", "sdk- api-", rf"(?:sdk|api)-{UUID}"),
    _form("elastic_key", "essu_", r"essu_[A-Za-z0-9+/=]{50,}"),
    _form("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
)

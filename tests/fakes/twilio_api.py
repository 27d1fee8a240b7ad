"""What is known of Twilio's interface for messages, as the stand-in server needs it: names, shapes, signatures.

The names are those of Twilio's published API description (version 2010-04-01), read property by property.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

VERSION = "2010-04-01"

# Parameters of POST …/Messages.json.
CREATE_PARAMETERS = frozenset({
    "To", "StatusCallback", "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod",
    "ForceDelivery", "ContentRetention", "AddressRetention", "SmartEncoded", "PersistentAction", "TrafficType",
    "ShortenUrls", "ScheduleType", "SendAt", "SendAsMms", "ContentVariables", "RiskCheck", "From", "FallbackFrom",
    "MessagingServiceSid", "Body", "MediaUrl", "ContentSid",
})  # fmt: skip

# Parameters of GET …/Messages.json.
LIST_PARAMETERS = frozenset({"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"})

# Properties of a message in an answer.
MESSAGE_PROPERTIES = frozenset({
    "body", "num_segments", "direction", "from", "to", "date_updated", "price", "error_message", "uri", "account_sid",
    "num_media", "status", "messaging_service_sid", "sid", "date_sent", "date_created", "error_code", "price_unit",
    "api_version", "subresource_uris",
})  # fmt: skip

# Properties of an answered list.
LIST_PROPERTIES = frozenset({
    "end", "first_page_uri", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri", "messages",
})  # fmt: skip

STATUSES = frozenset({
    "queued", "sending", "sent", "failed", "delivered", "undelivered", "receiving", "received", "accepted",
    "scheduled", "read", "partially_delivered", "canceled",
})  # fmt: skip

# Texts of the error answers the stand-in gives.
ERRORS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21215: "Geo Permission configuration is not permitting call",
    21216: "Account not allowed to call phone number",
    21217: "Phone number does not appear to be valid",
    21408: "Permission to send an SMS has not been enabled for the region",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21606: "The 'From' phone number is not a valid, SMS-capable inbound phone number",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21614: "'To' number is not a valid mobile number",
    21635: "'To' number cannot be a landline",
}


def sign(auth_token: str, url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Sign a form for a URL (without its fragment), as Twilio's manual describes it."""
    text = url + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()

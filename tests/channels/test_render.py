"""Templates: language and fall-back, the operator's folder first, what a notice owes its reader."""

from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.base import Notice
from contactd.channels.phrases import read_phrases
from contactd.channels.proof import samples
from contactd.channels.render import Renderer, escape
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelMisconfigured, ConfigError

SHIPPED = Path(__file__).parents[2] / "templates"
GOOD = """Subject: Ihr Konto
{% for invoice in invoices %}
{{ invoice.number }} {{ invoice.due_on|day }} {{ invoice.amount|money }} {{ invoice.open|money }}
{% endfor %}
{{ total|money }} {{ deadline|day }} {{ contact_person }} {{ contact_phone }} {{ next_step }} {{ unsubscribe_url }}
"""


@pytest.fixture
def notice() -> Notice:
    """Give an account with three invoices."""
    return next(samples("de"))[1]


def folder(tmp_path: Path, **files: str) -> Path:
    """Write template files; `email__x_de_txt` stands for email/x.de.txt."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("template", ["erinnerung", "mahnung"])
@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_the_shipped_templates_owe_their_readers_nothing(template: str, channel: Channel) -> None:
    renderer = Renderer([SHIPPED])
    assert renderer.languages(template, channel) == {"de", "en"}
    charges = channel is Channel.EMAIL
    assert renderer.check(template, channel, ["de", "en", "de-AT", "en-GB"], charges=charges) == []


@pytest.mark.parametrize("template", ["erinnerung", "mahnung"])
@pytest.mark.parametrize(
    ("language", "client", "ground", "authority"),
    [
        ("de", "Auftraggeber (Gläubiger): Stadtwerke", "Grund der Forderung", "Aufsichtsbehörde: Aufsicht Musterland"),
        ("en", "Client (creditor): Stadtwerke", "Ground of the claim", "Supervisory authority: Aufsicht Musterland"),
    ],
)  # fmt: skip
def test_an_agencys_mail_names_client_ground_and_authority_and_a_creditors_does_not(
    template: str, language: str, client: str, ground: str, authority: str
) -> None:
    """§ 13a (1) RDG: the first demand may be an e-mail."""
    [(_, notice), *_] = samples(language)
    agency = replace(
        notice, operator_kind="collection-agency", creditor_street="Werksweg 3", creditor_postcode="00002",
        creditor_city="Musterstadt", authority="Aufsicht Musterland",
        invoices=[replace(one, contracted_on=date(2026, 2, 1)) for one in notice.invoices],
    )  # fmt: skip
    for words, there in ((agency, True), (notice, False)):
        mail = Renderer([SHIPPED]).render(template, Channel.EMAIL, language, words)
        contract = {"de": "Vertrag vom 01.02.2026", "en": "contract of Feb 1, 2026"}[language]
        told = f"{ground} RE-2026/20931: Wärme & Strom, {contract}"
        for said in (mail.text, unescape(mail.html)):
            assert [part in said for part in (client, "Werksweg 3, 00002 Muster", told, authority)] == [there] * 4


@pytest.mark.parametrize("key", ["email", "sms", "letter", "call", "handover", "none"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_next_step_has_its_sentence(key: str, language: str) -> None:
    assert Renderer([SHIPPED]).phrase("next_step", key, language).endswith(".")


@pytest.mark.parametrize("language", ["de", "en"])
def test_both_ways_of_opting_out_have_their_sentence(language: str) -> None:
    renderer = Renderer([SHIPPED])
    assert "STOP" in renderer.phrase("opt_out", "sms", language)
    assert renderer.phrase("opt_out", "email", language)


def test_the_frames_of_the_languages_differ_in_words_only() -> None:
    frames = [(SHIPPED / "email" / f"layout.{language}.html").read_text().splitlines() for language in ("de", "en")]
    tags = [[line.partition(">")[0] for line in frame if not line.startswith("<html")] for frame in frames]
    assert tags[0] == tags[1]


def test_a_mail_lists_every_invoice_in_text_and_html(notice: Notice) -> None:
    mail = Renderer([SHIPPED]).render("mahnung", Channel.EMAIL, "de", notice)
    assert mail.subject == "Wichtig: Bitte antworten Sie bis zum 03.12.2026 – Stadtwerke Musterstadt"
    for body in (mail.text, mail.html):
        assert "RE-2026/20931" in body
        assert "RE-2026/20933" in body
        assert "1.234,56\xa0€" in body
        assert "987,65\xa0€" in body
        assert "2.981,34\xa0€" in body
        assert "3. Dezember 2026" in body
        assert "DE02 1203 0000 0000 2020 51" in body
    assert "{" not in mail.text
    assert mail.text.startswith("Guten Tag Erika Beispiel,\n")


@pytest.mark.parametrize(
    ("language", "way"), [("de", "Eine kurze Antwort genügt."), ("en", "A short reply is enough.")]
)
@pytest.mark.parametrize("template", ["erinnerung", "mahnung"])
def test_without_a_page_a_reply_stops_the_mails(notice: Notice, template: str, language: str, way: str) -> None:
    mail = Renderer([SHIPPED]).render(template, Channel.EMAIL, language, replace(notice, unsubscribe_url=""))
    assert way in mail.text
    assert way in mail.html


def test_an_sms_tells_no_debt(notice: Notice) -> None:
    sms = Renderer([SHIPPED]).render("erinnerung", Channel.SMS, "de", notice)
    assert sms.subject == sms.html == ""
    assert not {"€", "EUR", "RE-2026/20931", "Rechnung"} & set(sms.text.split())
    assert sms.text.endswith("STOP ?")


def test_a_region_reads_its_language_and_writes_its_own_figures(notice: Notice) -> None:
    renderer = Renderer([SHIPPED])
    assert "CHF\xa01’234" not in renderer.render("mahnung", Channel.EMAIL, "de", notice).text
    swiss = renderer.render("mahnung", Channel.EMAIL, "de-CH", notice)
    assert "1’234.56" in swiss.text
    assert "Guten Tag" in swiss.text


def test_an_unknown_language_falls_back_whole(notice: Notice) -> None:
    renderer = Renderer([SHIPPED])
    assert renderer.render("mahnung", Channel.EMAIL, "fr", notice).text.startswith("Dear")
    french = renderer.render("mahnung", Channel.EMAIL, "fr", notice, fallback="de")
    assert french == renderer.render("mahnung", Channel.EMAIL, "de", notice)
    assert renderer.render("mahnung", Channel.EMAIL, "", notice, fallback="de") == french
    assert renderer.phrase("next_step", "call", "fr", fallback="de").startswith("Geht")


def test_the_operators_folder_comes_first(tmp_path: Path, notice: Notice) -> None:
    own = folder(
        tmp_path,
        sms__erinnerung_de_txt="Bitte melden: {{ contact_phone }}",
        phrases_de_toml='[next_step]\ncall = "Wir rufen an."',
    )
    renderer = Renderer([own, SHIPPED])
    assert renderer.render("erinnerung", Channel.SMS, "de", notice).text == "Bitte melden: +49 30 23125 042"
    assert renderer.render("mahnung", Channel.SMS, "de", notice).text.startswith("Stadtwerke")
    assert renderer.phrase("next_step", "call", "de") == "Wir rufen an."
    assert "Post" in renderer.phrase("next_step", "letter", "de")


def test_a_template_without_html_makes_a_plain_mail(tmp_path: Path, notice: Notice) -> None:
    renderer = Renderer([folder(tmp_path, email__x_de_txt=GOOD)])
    assert renderer.render("x", Channel.EMAIL, "de", notice).html == ""
    assert renderer.check("x", Channel.EMAIL, ["de"]) == []


def test_names_are_escaped_in_html_and_bring_no_line_ends_along(tmp_path: Path, notice: Notice) -> None:
    own = folder(
        tmp_path,
        email__x_de_txt="Subject: An {{ name }}\n{{ name }}|{{ invoices[0].goods }}",
        email__x_de_html="{{ name }}",
    )
    invoices = [replace(notice.invoices[0], goods="Wärme\r\nStrom")]
    crafted = replace(notice, name="Eve\r\nBcc: all@example.org <b>", invoices=invoices)
    mail = Renderer([own]).render("x", Channel.EMAIL, "de", crafted)
    assert mail.subject == "An Eve Bcc: all@example.org <b>"
    assert mail.text == "Eve Bcc: all@example.org <b>|Wärme Strom\n"
    assert mail.html == "Eve Bcc: all@example.org &lt;b&gt;"


@given(st.text())
def test_the_quick_escape_escapes_as_markupsafe_does(text: str) -> None:
    assert escape(text) == str(markupsafe.escape(text))
    assert escape(markupsafe.Markup(text)) == text  # noqa: S704 - nobody reads it
    assert escape(7) == "7"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Subject: x\n{{ nmae }}", "email/x.de.txt:2: 'nmae' is undefined"),
        ("Subject: x\n\n{{ invoices[0].numbre }}", "email/x.de.txt:3: "),
        ("Subject: x\n{{ total|mony }}", "email/x.de.txt:2: No filter named 'mony'."),
        ("Subject: x\n{% if %}", "email/x.de.txt:2: "),
        ("Subject: x\n{% include 'email/none.txt' %}", "template email/none.txt does not exist"),
        ("Subject: x\n{{ name.__class__.__mro__ }}", "email/x.de.txt:2: access to attribute '__class__'"),
        ("Subject: x\n{{ invoices.append(1) }}", "email/x.de.txt:2: "),
        ("Subject: x\n{{ invoices[0].__init__ }}", "email/x.de.txt:2: access to attribute '__init__'"),
        ("Subject: x\n{{ 1 // 0 }}", "template email/x: "),
        ("Subject: x\n{{ name|day }}", "template email/x: "),
        ("Subject: x\n{{ range(10 ** 9)|list }}", "template email/x: "),
        ("Subject: x\n{{ 'x' * 2000000000 }}", "email/x.de.txt:2: * makes more than fits into a message"),
        ("Subject: x\n{{ 2000000000 * ['x'] }}", "email/x.de.txt:2: * makes more than fits into a message"),
        ("Subject: x\n{{ 10 ** 10 ** 10 }}", "email/x.de.txt:2: ** makes more than fits into a message"),
        ("Subject: x\n{{ 'x'.ljust(2000000000) }}", "email/x.de.txt:2: ljust makes more than fits into a message"),
        ("Subject: x\n{{ '%99999999999999d' % 1 }}", "template email/x: "),
        (
            "Subject: x\n{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "email/x: the text has no end",
        ),
    ],
)
def test_a_template_that_cannot_be_rendered_says_where(tmp_path: Path, notice: Notice, text: str, said: str) -> None:
    renderer = Renderer([folder(tmp_path, email__x_de_txt=text)])
    with pytest.raises(ChannelMisconfigured) as raised:
        renderer.render("x", Channel.EMAIL, "de", notice)
    assert str(raised.value).startswith(said)
    assert len(renderer.check("x", Channel.EMAIL, ["de"])) == 1


def test_a_template_nobody_wrote_is_a_matter_of_configuration(notice: Notice) -> None:
    renderer = Renderer([SHIPPED])
    with pytest.raises(ChannelMisconfigured, match=r"template email/none\.de\.txt does not exist"):
        renderer.render("none", Channel.EMAIL, "de", notice)
    assert "there is no email/none" in renderer.check("none", Channel.EMAIL, ["de"])[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{{ invoice.number }}", "", "does not list every invoice"),
        ("{{ invoice.open|money }}", "", "does not list every invoice"),
        ("{{ invoice.due_on|day }}", "", "does not list every invoice"),
        ("{{ total|money }}", "", "does not tell the total"),
        ("{{ deadline|day }}", "", "names no deadline"),
        ("{{ contact_person }}", "", "names no contact person"),
        ("{{ contact_phone }}", "", "names no contact person"),
        ("{{ next_step }}", "", "does not announce the next step"),
        ("{{ unsubscribe_url }}", "", "has no link to unsubscribe"),
        ("Ihr Konto", "{{ total|money }}", "the subject tells an amount"),
        ("Ihr Konto", "{{ invoices[0].number }}", "the subject tells an invoice number"),
        ("Subject: Ihr Konto", "Subject:", "the subject is empty"),
        ("Subject: Ihr Konto", "Ihr Konto", "the first line must be `Subject: …`"),
    ],
)
def test_what_a_mail_lacks_is_said(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    problems = Renderer([folder(tmp_path, email__x_de_txt=GOOD.replace(old, new))]).check("x", Channel.EMAIL, ["de"])
    assert any(fault in problem for problem in problems)
    assert all("x" in problem and "de" in problem for problem in problems)


def test_a_mail_of_a_step_that_charges_a_fee_has_to_tell_it_in_each_of_its_parts(tmp_path: Path) -> None:
    telling = GOOD.replace("{{ total|money }}", "{{ total|money }}{% if fee %}, {{ fee|money }}{% endif %}")
    html = telling.replace("Subject: Ihr Konto", "<p>")
    folder(tmp_path, email__x_de_txt=GOOD, email__x_de_html=html, email__y_de_txt=telling, email__y_de_html=html)
    renderer, mail = Renderer([tmp_path]), Channel.EMAIL
    assert renderer.check("x", mail, ["de"]) == []
    said = "email/x.de: the text does not tell what it charges itself (fee) (a fee)"
    assert renderer.check("x", mail, ["de"], charges=True) == [said]
    assert renderer.check("y", mail, ["de"], charges=True) == []


def test_html_is_held_to_the_same(tmp_path: Path) -> None:
    html = GOOD.replace("Subject: Ihr Konto", "<p>").replace("{{ next_step }}", "{{ name|safe }}")
    problems = Renderer([folder(tmp_path, email__x_de_txt=GOOD, email__x_de_html=html)]).check(
        "x", Channel.EMAIL, ["de"]
    )
    assert any("the HTML does not announce the next step" in problem for problem in problems)
    assert any("the HTML does not escape names" in problem for problem in problems)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Sie schulden uns {{ total|money }}. {{ contact_phone }} {{ opt_out }}", "the SMS tells an amount"),
        ("Rechnung {{ invoices[0].number }}: {{ contact_phone }} {{ opt_out }}", "the SMS tells an invoice number"),
        ("Bitte melden. {{ opt_out }}", "the SMS names no telephone number"),
        ("Bitte melden: {{ contact_phone }}", "the SMS does not tell how to stop"),
        ("{{ contact_phone }} {{ opt_out }}" + "x" * 320, "the SMS takes 3 segments, more than 2"),
        ("{{ contact_phone }} {{ opt_out }} „x“" + "x" * 130, "these letters make it long: “„"),
    ],
)
def test_what_an_sms_lacks_or_tells_is_said(tmp_path: Path, text: str, fault: str) -> None:
    problems = Renderer([folder(tmp_path, sms__x_de_txt=text)]).check("x", Channel.SMS, ["de"])
    assert any(fault in problem for problem in problems)


def test_a_missing_language_is_said(tmp_path: Path) -> None:
    renderer = Renderer([folder(tmp_path, email__x_de_txt=GOOD)])
    assert renderer.check("x", Channel.EMAIL, ["de", "fr"]) == ["email/x: missing in fr; it exists in de"]


def test_phrases_that_are_missing_or_broken_are_said(tmp_path: Path) -> None:
    with pytest.raises(ChannelMisconfigured, match=r"no phrase next_step\.fax in de nor in en"):
        Renderer([SHIPPED]).phrase("next_step", "fax", "de")
    with pytest.raises(ChannelMisconfigured, match=r"phrases\.de\.toml"):
        Renderer([folder(tmp_path, phrases_de_toml="[next_step")]).phrase("next_step", "call", "de")


def test_a_template_may_multiply_and_pad_what_fits_into_a_message(tmp_path: Path, notice: Notice) -> None:
    own = folder(tmp_path, sms__x_de_txt="{{ '-' * 3 }}{{ 2 ** 3 }}{{ 2 * 3.5 }}{{ 'x'.ljust(3) }}{{ range(2)|list }}|")
    assert Renderer([own]).render("x", Channel.SMS, "de", notice).text == "---87.0x  [0, 1]|"


def test_the_language_of_a_template_is_all_that_stands_between_name_and_ending(tmp_path: Path) -> None:
    for name in ("x.de.txt", "x.old.fr.txt", "[x].en.txt", "xy.it.txt"):
        (tmp_path / "sms").mkdir(exist_ok=True)
        (tmp_path / "sms" / name).write_text("x", encoding="utf-8")
    renderer = Renderer([tmp_path])
    assert renderer.languages("x", Channel.SMS) == {"de"}
    assert renderer.languages("[x]", Channel.SMS) == {"en"}


def test_phrases_are_groups_of_sentences(tmp_path: Path) -> None:
    path = folder(tmp_path, phrases_de_toml='stop = "x"\n[next_step]\ncall = 3\nsms = "y"\n') / "phrases.de.toml"
    with pytest.raises(ConfigError) as caught:
        read_phrases(path)
    assert str(caught.value).splitlines() == [
        f"{path}:1: stop: must be a table of sentences, like [next_step]",
        f"{path}:3: next_step.call: must be text in quotes",
    ]

"""The verb `preview`: what a template makes of a made-up account, to look at before anybody gets it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import config_option, settings_of
from contactd.cli.output import save, say, show_document

if TYPE_CHECKING:
    from contactd.channels.base import Notice
    from contactd.channels.render import Renderer
    from contactd.config.settings import Settings

SAMPLES = ("three", "sixty", "one")


@click.command()
@click.argument("channel", type=click.Choice(["email", "sms", "letter"]))
@click.argument("template")
@click.option("--language", default="de", show_default=True, help="Language of the customer, like de or en-GB.")
@click.option("--invoices", type=click.Choice(SAMPLES), default=SAMPLES[0], show_default=True, help="Of the sample.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="PDF of a letter; else in this folder.")
@click.option("--png", is_flag=True, help="A picture of each page instead of the PDF.")
@click.option("--interest", is_flag=True, help='A letter as with claim = "all": interest and costs as well.')
@config_option
def preview(
    channel: str,
    template: str,
    language: str,
    invoices: str,
    out: Path | None,
    *,
    png: bool,
    interest: bool,
    config: Path | None,
) -> None:
    """Render TEMPLATE with a made-up account: an e-mail or SMS to the terminal, a letter into a file."""
    from contactd.channels.proof import with_interest
    from contactd.channels.render import Renderer
    from contactd.domain.account import Channel

    settings, _ = settings_of(config, campaigns=False)
    words = Renderer(settings.template_directories)
    notice = _sample(settings, words, channel, template, language, invoices)
    if channel == "letter":
        notice = with_interest(notice) if interest else notice
        for path, content in _letter(settings, template, notice, out, png=png):
            save(path, content)
            say(str(path))
        return
    rendered = words.render(template, Channel(channel), language, notice)
    show_document(f"{rendered.subject}\n\n{rendered.text}".strip() + "\n")


def _sample(
    settings: "Settings", words: "Renderer", channel: str, template: str, language: str, invoices: str
) -> "Notice":
    """Make an account up that owes the operator of this configuration, or the first of its creditors."""
    from dataclasses import replace

    from contactd.channels import wording
    from contactd.channels.proof import samples_of

    notice = [sample for _, sample in samples_of(template, language)][SAMPLES.index(invoices)]
    operator = settings.operator
    creditor = next(iter(settings.creditors.values()), None)
    own = {
        "operator": operator.name,
        "operator_street": operator.street,
        "operator_postcode": operator.postcode,
        "operator_city": operator.city,
        "authority": operator.authority,
        "imprint": operator.imprint,
        "contact_person": operator.contact_person,
        "contact_phone": operator.phone,
        "contact_hours": wording.hours(operator.hours, language),
        "contact_email": operator.email,
        "creditor_name": creditor.name if creditor else operator.name,
        "iban": creditor.iban if creditor else "",
        "bic": creditor.bic if creditor else "",
        "creditor_street": creditor.street if creditor else "",
        "creditor_postcode": creditor.postcode if creditor else "",
        "creditor_city": creditor.city if creditor else "",
        "next_step": words.phrase("next_step", "call", language),
        "opt_out": words.phrase("opt_out", "sms", language) if channel == "sms" else "",
    }
    known = {name: value for name, value in own.items() if value}
    return replace(notice, operator_kind=operator.kind, **known)  # type: ignore[arg-type] # all of them texts


def _letter(
    settings: "Settings", template: str, notice: "Notice", out: Path | None, *, png: bool
) -> "list[tuple[Path, bytes]]":
    from contactd.channels.letterpress import LetterPress, paper_of

    press = LetterPress(settings.template_directories, paper_of(settings))
    path = out or Path(f"{template}.{notice.language}.pdf")
    if not png:
        return [(path, press.press(template, notice.language, notice))]
    pages = press.pictures(template, notice.language, notice)
    return [(path.with_name(f"{path.stem}-{number}.png"), page) for number, page in enumerate(pages, 1)]

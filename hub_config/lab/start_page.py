"""The page a session begins with, written from what is mounted: the project, its data, its dictionary, its rules."""

from collections.abc import Iterator
from typing import Any

RULES = """Nothing leaves this room by itself. To take a result out, request its release: `p20kit.request_release`
shows before you ask what would be hidden, why, and what would pass. The room has no network; its files are kept,
sealed, when you leave."""


def start_page(about: dict[str, Any], templates: list[str]) -> str:
    """Write the page in Markdown.

    Parameters
    ----------
    about : dict
        /project/project.json, as `p20kit.open_project` reads it.
    templates : list of str
        File names of the notebooks to begin with.
    """
    return (
        "\n".join(
            [*_head(about), *_templates(templates), *_data(about), *_limits(about), *_masked(about), *_rules(about)]
        )
        + "\n"
    )


def _head(about: dict[str, Any]) -> Iterator[str]:
    days = about["days_left"]
    yield f"# {about['project']} · {_plain(about['title'])}"
    yield ""
    yield f"**{about['person']}**, until **{about['expires_on']}** ({days} {'day' if days == 1 else 'days'} left)."
    yield ""
    yield " ".join(RULES.split())


def _templates(templates: list[str]) -> Iterator[str]:
    if templates:
        yield "\n## Begin here\n"
        for name in templates:
            title = name.removesuffix(".ipynb").replace("_", " ")
            yield f"- [{title[0].upper()}{title[1:]}](templates/{name})"
        yield "\nThey are read-only: *File › Save Notebook As…* makes one of your own."


def _data(about: dict[str, Any]) -> Iterator[str]:
    yield "\n## Data and dictionary\n"
    if not about["tables"]:
        yield "No table of this project is shown to you."
        return
    # The crosswalk says who is who and nothing about them: last.
    tables = sorted(about["tables"].items(), key=lambda named: (named[0] == "crosswalk", named[0]))
    yield f'```python\nproject = p20kit.open_project()\nframe = project.frame("{tables[0][0]}")\n```'
    for name, table in tables:
        yield f"\n### {name} — {table['rows']:,} rows\n"
        yield "| column | what it is | owner | type | as of | codes |"
        yield "|---|---|---|---|---|---|"
        for column in table["columns"]:
            told = (column["definition"], column["owner"], column["type"], column["as_of"], _codes(column["codes"]))
            yield f"| `{column['name']}` | " + " | ".join(_plain(one) for one in told) + " |"


def _limits(about: dict[str, Any]) -> Iterator[str]:
    if about["limitations"]:
        yield "\n## Known limitations, as the agencies state them\n"
        for one in about["limitations"]:
            yield f"- {one['owner']}, {one['contents']} file: {_plain(one['text'])}"


def _masked(about: dict[str, Any]) -> Iterator[str]:
    if about["masked"]:
        yield "\n## Not shown to you\n"
        yield "| column | clause | why |"
        yield "|---|---|---|"
        for one in about["masked"]:
            yield f"| `{one['column']}` | {one['clause']} | {_plain(one['why'])} |"


def _rules(about: dict[str, Any]) -> Iterator[str]:
    policy = about["policy"]
    zeros = "hidden too, as fewer than 6" if policy["zeros"] == "hidden" else "shown"
    yield "\n## What a release must keep to\n"
    yield f"- Counts of at least **{policy['minimum_count']}** individuals (DSA III.G.2); zeros are {zeros}."
    yield f"- Percentages, means and other formulas over at least **{policy['minimum_base']}** individuals."
    yield f"- Anything about employers from at least **{policy['minimum_employers']}** of them."
    for heading, key in (("Questions the agreement approves", "questions"), ("Reports it names", "reports")):
        if about[key]:
            yield f"\n**{heading}**\n"
            yield from (f"- {one['id']}: {_plain(one.get('text') or one.get('title'))}" for one in about[key])


def _codes(codes: list[str] | None) -> str:
    if not codes:
        return ""
    return ", ".join(codes[:8]) + (f" … ({len(codes)})" if len(codes) > 8 else "")


def _plain(text: object) -> str:
    """Return text without what a table or Markdown would read otherwise."""
    told = " ".join(str(text or "").split())
    return told.replace("|", "/").replace("<", "‹").replace(">", "›").replace("*", "∗").replace("`", "'")

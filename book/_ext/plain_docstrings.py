"""Sphinx extension: the module's docstrings, written to be read in a terminal, as pages.

In the source a name stands in single backticks and a formula in a fenced block, as in
TensorFlow Probability, and `|det J|` is a determinant. reStructuredText reads all three
otherwise, so they are translated before napoleon splits a docstring into its sections.
"""

import inspect
import re

FENCE = re.compile(r"^(?P<indent>\s*)```\w*\s*$")
LITERAL = re.compile(r"``.+?``|`[^`]+`", re.DOTALL)
SPECIAL = re.compile(r"([\\*|])|(?<=\w)_(?=\W|$)")


def translate_prose(text):
    """Returns prose with its literals in double backticks and the rest escaped."""
    pieces, end = [], 0
    for match in LITERAL.finditer(text):
        pieces.append(SPECIAL.sub(r"\\\g<0>", text[end : match.start()]))
        end = match.end()
        # A plural's s, and the like, needs an (invisible) escaped space.
        tail = "\\ " if text[end : end + 1].isalnum() else ""
        pieces.append(f"``{match[0].strip('`')}``{tail}")
    return "".join(pieces) + SPECIAL.sub(r"\\\g<0>", text[end:])


def fence_indented(lines):
    """Returns the lines with Markdown's other code blocks, indented by four, fenced.

    `Example::` becomes a section of that name, which holds the block.
    """
    result, margin, blank, inside, moved = [], 0, False, False, 4
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside and line.strip() and indent < margin + 4:
            result += [" " * (margin + 4 - moved) + "```", ""]
            inside = False
        if not inside and blank and line.strip() and indent >= margin + 4:
            section = "".join(result[-2:-1]).endswith("::")
            if section:
                result[-2:] = [result[-2][:-1]]
            moved = 2 if section else 4
            result.append(" " * (margin + 4 - moved) + "```text")
            inside = True
        if line.strip() and not inside:
            margin = indent
        blank = not line.strip()
        result.append(line[moved:] if inside else line)
    return [*result, " " * (margin + 4 - moved) + "```"] if inside else result


def translate(lines):
    """Returns the lines of a docstring as reStructuredText."""
    result, prose, fence, example = [], [], None, False

    def finish_prose():
        if prose:
            result.extend(translate_prose("\n".join(prose)).split("\n"))
            prose.clear()

    for line in fence_indented(lines):
        opening = FENCE.match(line)
        # A doctest block ends at an empty line.
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if fence is None and not opening and not example:
            prose.append(line)
            continue
        finish_prose()
        if opening and fence is None:
            fence = opening["indent"]
            result += ["", f"{fence}.. code-block:: text", ""]
        elif opening:
            fence = None
            result.append("")
        elif fence is not None:
            result.append(f"   {line}" if line.strip() else "")
        else:
            result.append(line)
    finish_prose()
    return result


def process(app, what, name, thing, options, lines):
    """Translates a docstring in place."""
    lines[:] = translate(lines)


def skip_foreign(app, what, name, thing, skip, options):
    """Leaves out what has no words of ours: methods that TFP's metaclasses write into a subclass,
    and the fields of a named tuple, which its own docstring describes.
    """
    if type(thing).__name__ == "_tuplegetter":
        return True
    function = inspect.unwrap(getattr(thing, "fget", None) or thing)
    code = getattr(function, "__code__", None)
    return True if code and "normflows_tut" not in code.co_filename else None


def setup(app):
    """Registers the extension."""
    app.connect("autodoc-skip-member", skip_foreign)
    # Napoleon's own priority is 500; lower numbers run first.
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

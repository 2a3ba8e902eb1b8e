"""A row of pictures behind a slider with a play button."""

import traitlets

from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import WholeNumber

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8", b"\xff\xd8")


class LayerScrubber(PageWidget):
    r"""Pictures of a flow, one a layer (or a training step), behind a slider with a play button.

    Args:
      frames: The pictures, n of them, as bytes: PNG, WebP, GIF or JPEG. They are kept in
        the page as they are, so small ones make a small page.
      labels: n strings; what the slider says at each picture. Numbers from 0 by default.
      alt: What all pictures show, in words; the text of a picture is this with its label.
      index: The picture at the start, counted from 0.
      interval: Milliseconds a picture stands while playing, at least 50.

    Raises:
      ValueError: There are no frames, a frame is no picture, the number of labels differs
        from the number of frames, or `index` is past the last one.

    Example:
      >>> frame = b"\x89PNG\r\n\x1a\n..."
      >>> LayerScrubber([frame, frame], labels=["base", "layer 1"]).labels
      ['base', 'layer 1']
    """

    _esm = module("kit", "layer_scrubber")
    frames = traitlets.List(traitlets.Bytes()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    index = WholeNumber(0)
    interval = WholeNumber(450, low=50)

    def __init__(self, frames, labels=None, alt="Layer by layer", *, index=0, interval=450):
        frames = list(frames)
        if not frames:
            raise ValueError("frames must hold at least one picture, got none.")
        for number, frame in enumerate(frames):
            if not (isinstance(frame, bytes) and frame.startswith(_SIGNATURES)):
                start = repr(frame[:8]) if isinstance(frame, bytes) else repr(frame)[:40]
                raise ValueError(
                    f"frame {number} (counted from 0) is no PNG, WebP, GIF or JPEG as bytes: "
                    f"it starts with {start}."
                )
        count = len(frames)
        labels = list(range(count)) if labels is None else list(labels)
        if len(labels) != count:
            raise ValueError(f"{count} frames need {count} labels, got {len(labels)}.")
        if not str(alt).strip():
            raise ValueError(f"alt must say what the pictures show, got {alt!r}.")
        labels = [str(label) for label in labels]
        super().__init__(frames=frames, labels=labels, alt=str(alt), index=index, interval=interval)

    @traitlets.validate("index")
    def _index_in_range(self, proposal):
        if self.frames and proposal["value"] >= len(self.frames):
            raise ValueError(
                f"index must be below the number of frames, {len(self.frames)}, "
                f"got {proposal['value']}."
            )
        return proposal["value"]

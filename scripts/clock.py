"""How durations are written; imports nothing that is not Python's own."""


def clock(seconds):
    """Returns seconds as minutes and seconds, such as 12:05."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"

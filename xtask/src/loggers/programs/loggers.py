"""Writes one line at each level with the logger of the argument: "expect-warn" at level warn."""
import logging
import os
import sys

COLOR = "FORCE_COLOR" in os.environ
STANDARD = [("debug", "debug"), ("info", "info"), ("warning", "warn"), ("error", "error"), ("critical", "fatal")]


def say(logger, names=STANDARD):
    for method, level in names:
        getattr(logger, method)(f"expect-{level}")


def standard(formatter=None, handler=None, name="app.db"):
    handler = handler or logging.StreamHandler(sys.stdout)
    if formatter:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG)
    say(logging.getLogger(name))


def logging_basic():
    logging.basicConfig(level=logging.DEBUG)
    say(logging.getLogger("app.db"))


def logging_dashes():
    standard(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))


def loguru():
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="TRACE", colorize=COLOR)
    say(logger, [("trace", "trace"), ("success", "info")] + STANDARD)


def structlog_console():
    import structlog

    structlog.configure(processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.dev.ConsoleRenderer(colors=COLOR),
    ])
    say(structlog.get_logger())


def structlog_json():
    import structlog

    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
    say(structlog.get_logger())


def json_logger():
    from pythonjsonlogger.json import JsonFormatter

    standard(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))


def colorlog():
    import colorlog as module

    standard(module.ColoredFormatter(
        "%(log_color)s%(levelname)-8s%(reset)s %(blue)s%(message)s", no_color=not COLOR, force_color=COLOR))


def coloredlogs():
    import coloredlogs as module

    module.install(level="DEBUG", stream=sys.stdout, isatty=COLOR)
    say(logging.getLogger("app.db"))


def rich():
    from rich.console import Console
    from rich.logging import RichHandler

    handler = RichHandler(console=Console(force_terminal=COLOR, width=100))
    standard(logging.Formatter("%(message)s", datefmt="[%X]"), handler)


def logbook():
    import logbook as module

    module.StreamHandler(sys.stdout).push_application()
    say(module.Logger("App"), [("debug", "debug"), ("info", "info"), ("notice", "info"), ("warning", "warn"),
                               ("error", "error"), ("critical", "fatal")])


def gunicorn():
    from gunicorn.config import Config
    from gunicorn.glogging import Logger

    config = Config()
    config.set("loglevel", "debug")
    say(Logger(config))


def uvicorn():
    from uvicorn.logging import DefaultFormatter

    standard(DefaultFormatter("%(levelprefix)s %(message)s", use_colors=COLOR))


def daiquiri():
    import daiquiri as module

    module.setup(level=logging.DEBUG)
    say(module.getLogger("app.db"))


def absl():
    from absl import logging as module

    module.use_absl_handler()
    module.set_verbosity(module.DEBUG)
    module.get_absl_handler().python_handler.stream = sys.stderr
    say(module, [("debug", "info"), ("info", "info"), ("warning", "warn"), ("error", "error")])


globals()[sys.argv[1].replace("-", "_")]()

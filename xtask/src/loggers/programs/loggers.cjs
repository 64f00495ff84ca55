// Writes one line at each level with the logger of the argument: "expect-warn" at level warn.
"use strict";
const color = process.env.FORCE_COLOR !== undefined;
const say = (logger, names) => {
  for (const [method, level] of names) logger[method](`expect-${level}`);
};
const STANDARD = [["debug", "debug"], ["info", "info"], ["warn", "warn"], ["error", "error"]];
const ALL = [["trace", "trace"], ...STANDARD, ["fatal", "fatal"]];
const WINSTON = [["silly", "trace"], ["debug", "debug"], ["verbose", "debug"], ["http", "debug"], ["info", "info"], ["warn", "warn"], ["error", "error"]];

const winston = (names, ...formats) => {
  const { createLogger, format, transports } = require("winston");
  const logger = createLogger({
    level: "silly",
    format: format.combine(...formats.map((make) => make(format))),
    transports: [new transports.Console()],
  });
  say(logger, names);
};

const nest = async (options) => {
  require("reflect-metadata");
  const { ConsoleLogger } = await import("@nestjs/common");
  const logger = new ConsoleLogger("AppService", { logLevels: ["verbose", "debug", "log", "warn", "error", "fatal"], colors: color, ...options });
  say(logger, [["verbose", "debug"], ["debug", "debug"], ["log", "info"], ["warn", "warn"], ["error", "error"], ["fatal", "fatal"]]);
};

const loggers = {
  pino: () => say(require("pino")({ level: "trace" }), ALL),
  "pino-pretty": () => {
    say(require("pino")({ level: "trace" }, require("pino-pretty")({ colorize: color, sync: true })), ALL);
  },
  "winston-json": () => winston(WINSTON, (format) => format.json()),
  "winston-simple": () => winston(WINSTON, (format) => format.simple()),
  "winston-cli": () => winston(WINSTON.filter(([name]) => name !== "http"), (format) => format.cli()),
  "winston-printf": () => winston(
    WINSTON,
    (format) => format.label({ label: "api" }),
    (format) => format.timestamp(),
    (format) => format.printf(({ level, message, label, timestamp }) => `${timestamp} [${label}] ${level}: ${message}`),
  ),
  bunyan: () => say(require("bunyan").createLogger({ name: "app", level: "trace" }), ALL),
  log4js: () => {
    const log4js = require("log4js");
    const layout = { type: color ? "coloured" : "basic" };
    log4js.configure({ appenders: { out: { type: "stdout", layout } }, categories: { default: { appenders: ["out"], level: "trace" } } });
    say(log4js.getLogger("app.db"), ALL);
  },
  consola: async () => {
    const { createConsola } = await import("consola");
    const logger = createConsola({ level: 5, fancy: color });
    say(logger, [["trace", "trace"], ["debug", "debug"], ["info", "info"], ["success", "info"], ["warn", "warn"], ["error", "error"], ["fatal", "fatal"]]);
  },
  signale: () => say(require("signale"), [["debug", "debug"], ["info", "info"], ["success", "info"], ["warn", "warn"], ["error", "error"], ["fatal", "fatal"]]),
  "tslog-pretty": async () => {
    const { Logger } = await import("tslog");
    say(new Logger({ type: "pretty", pretty: { style: color } }), [["silly", "trace"], ...ALL]);
  },
  "tslog-json": async () => {
    const { Logger } = await import("tslog");
    say(new Logger({ type: "json" }), [["silly", "trace"], ...ALL]);
  },
  npmlog: () => {
    const log = require("npmlog");
    log.level = "silly";
    // As npm sets it. Without a heading, `info` is a word like any other.
    log.heading = "npm";
    if (color) log.enableColor();
    const names = [["silly", "trace"], ["verbose", "debug"], ["http", "debug"], ["info", "info"], ["warn", "warn"], ["error", "error"]];
    for (const [method, level] of names) log[method]("db", `expect-${level}`);
  },
  roarr: () => {
    process.env.ROARR_LOG = "true";
    say(require("roarr").Roarr, ALL);
  },
  "nest-text": () => nest({}),
  // Its default: with colors, it is no JSON.
  "nest-json": () => nest({ json: true, colors: false }),
  "lambda-log": () => {
    const log = require("lambda-log");
    log.options.debug = true;
    say(log, STANDARD);
  },
  bole: () => {
    const { default: bole } = require("bole");
    bole.output({ level: "debug", stream: process.stdout });
    say(bole("app"), STANDARD);
  },
  tracer: () => say((color ? require("tracer").colorConsole() : require("tracer").console()), ALL),
  "simple-node-logger": () => {
    const logger = require("simple-node-logger").createSimpleLogger();
    logger.setLevel("all");
    say(logger, ALL);
  },
  "egg-logger": () => {
    const { EggConsoleLogger } = require("egg-logger");
    say(new EggConsoleLogger({ level: "DEBUG" }), STANDARD);
  },
  loglevel: () => {
    const log = require("loglevel");
    const prefix = require("loglevel-plugin-prefix");
    prefix.reg(log);
    prefix.apply(log);
    log.enableAll();
    say(log, ALL.slice(0, -1));
  },
};

const logger = loggers[process.argv[2]];
if (!logger) throw new Error(`no logger ${process.argv[2]}: ${Object.keys(loggers).join(" ")}`);
logger();

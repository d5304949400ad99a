/**
 * The plugin for the stock server of the npm package kong-pdk, which wants CommonJS that is there at once. Link this file into its folder of
 * plugins, with nothing else in it: Kong from 3.9 takes one plugin of a server.
 *
 * The stock server answers a failed handler with success, decodes texts loosely, and speaks only MsgPack:1. Without the guard
 * it is open whenever it fails; `ipe kong serve` is what is meant to be used.
 */
const { realpathSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");

const info = require("./stock.json");

const plugin = import(pathToFileURL(join(dirname(realpathSync(__filename)), "plugin.ts")).href);

class Plugin {
  constructor(config) {
    this.plugin = plugin.then(({ IpePlugin }) => new IpePlugin(config));
    // Told with the first request, which is denied; a rejection that nobody waits for would end the process.
    this.plugin.catch(() => undefined);
  }

  async access(kong) {
    try {
      await (await this.plugin).access(kong);
    } catch (problem) {
      process.stderr.write(`${problem instanceof Error ? problem.stack : problem}\n`);
      await kong.response.exit(503, '{"message":"error"}', { "content-type": "application/json" });
    }
  }
}

module.exports = { ...info, Plugin };

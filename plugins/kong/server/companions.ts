/**
 * What stands around the plugin in Kong, in Lua: before it the snapshot, which hands over a request in one piece, behind it the
 * guard, without which Kong's MsgPack client lets a request pass when the server fails. `ipe kong init` writes them.
 *
 * Functions of Kong and nginx are those of kong/pdk (3.9.3) and lua-nginx-module's README.
 */
import { DECISION_KEY, PRIORITY, SNAPSHOT_KEY, VERSION } from "./config.ts";
import { HEADER_LINES_MAX } from "./request.ts";
import { FAILURE_STATUS } from "./response.ts";
import { SNAPSHOT_VERSION } from "./snapshot.ts";
import { GROUPS_KEY, TOKEN_KEY, VERIFIED } from "./verified.ts";

export const SNAPSHOT_NAME = "ipe-snapshot";
export const GUARD_NAME = "ipe-guard";

/** How a record of a decision begins that lets the request pass; plugin.ts writes it. */
export const PASS_PREFIX = '{"pass":true';

const GENERATED = "-- Written by `ipe kong init`. Do not edit.";

/** Lua files by path, relative to a folder of Kong's `lua_package_path`. */
export function companionFiles(): ReadonlyMap<string, string> {
  return new Map([
    [`kong/plugins/${SNAPSHOT_NAME}/handler.lua`, snapshotHandler],
    [`kong/plugins/${SNAPSHOT_NAME}/schema.lua`, snapshotSchema],
    [`kong/plugins/${GUARD_NAME}/handler.lua`, guardHandler],
    [`kong/plugins/${GUARD_NAME}/schema.lua`, guardSchema],
  ]);
}

/** The guard for whoever cannot add a plugin: `config.access` of the bundled `post-function`. */
export function guardSnippet(): string {
  return `${GENERATED}
-- Answers ${FAILURE_STATUS} unless ipe let the request pass.
${guardBody}`;
}

const guardBody = `local record = kong.ctx.shared.${DECISION_KEY}
if type(record) ~= "string" or record:sub(1, ${PASS_PREFIX.length}) ~= '${PASS_PREFIX}' then
  return kong.response.exit(${FAILURE_STATUS}, { message = "error" }, { ["x-ipe-reason"] = "error" })
end
`;

const guardHandler = `${GENERATED}
-- Runs just behind the plugin and answers ${FAILURE_STATUS} unless it let the request pass. Kong's client of MsgPack:1 lets a
-- request pass when the plugin server is gone, dies or hangs.
local kong = kong

local Guard = { PRIORITY = ${PRIORITY - 1}, VERSION = "${VERSION}" }

function Guard:access()
${indented(guardBody)}end

return Guard
`;

const guardSchema = `${GENERATED}
local typedefs = require "kong.db.schema.typedefs"

return {
  name = "${GUARD_NAME}",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = { type = "record", fields = {} } },
  },
}
`;

const snapshotHandler = `${GENERATED}
-- Runs just before the plugin and leaves the request as one JSON, so that a decision costs two calls over the socket and not one
-- for each fact. Sets headers of the answer, and writes the decision into what log plugins say.
local cjson = require "cjson.safe"

local kong = kong
local ngx = ngx

local Snapshot = { PRIORITY = ${PRIORITY + 1}, VERSION = "${VERSION}" }

-- As many servers compare names: "_" is "-".
local function canonical(name)
  return (name:lower():gsub("_", "-"))
end

-- Clients' copies of headers that a policy may set never reach the upstream, in any spelling.
local function strip(headers, names)
  local wanted = {}
  for _, name in ipairs(names) do
    wanted[name] = true
  end
  for name in pairs(headers) do
    if wanted[canonical(name)] then
      kong.service.request.clear_header(name)
    end
  end
end

-- nil where it is too long, or in a file.
local function body_up_to(limit)
  local body = kong.request.get_raw_body()
  if body and #body <= limit then
    return ngx.encode_base64(body)
  end
end

-- Of what follows, nil is what is not there, and false what nobody can tell.
local function text(value)
  if value == nil or value == ngx.null then
    return nil
  end
  return type(value) == "string" and value
end

-- cjson writes nothing at all where an array has holes.
local function texts(of)
  if of == nil or of == ngx.null then
    return nil
  end
  if type(of) ~= "table" then
    return false
  end
  local found, members = {}, 0
  for i, value in ipairs(of) do
    if type(value) ~= "string" then
      return false
    end
    found[i] = value
  end
  for _ in pairs(of) do
    members = members + 1
  end
  return members == #found and found
end

local function members(of, names)
  if of == nil then
    return nil
  end
  if type(of) ~= "table" then
    return false
  end
  local found = {}
  for _, name in ipairs(names) do
    found[name] = text(of[name])
  end
  return found
end

local function with_tags(of)
  local found = members(of, { "id", "name" })
  if found then
    found.tags = texts(of.tags)
  end
  return found
end

-- Of a consumer those of the plugin acl, which are in Kong's cache or its database.
local function groups()
  local consumer = kong.client.get_consumer()
  if consumer == nil then
    return texts(kong.ctx.shared.${GROUPS_KEY})
  end
  if type(consumer) ~= "table" or type(consumer.id) ~= "string" then
    return false
  end
  local loaded, found = pcall(function()
    return require("kong.plugins.acl.groups").get_consumer_groups(consumer.id)
  end)
  if not loaded or type(found) ~= "table" then
    return false
  end
  -- Behind the array stands each group by its name.
  local names = {}
  for i, name in ipairs(found) do
    names[i] = name
  end
  return texts(names)
end

local VERIFIED = {
  consumer = function() return members(kong.client.get_consumer(), { "id", "username", "custom_id" }) end,
  groups = groups,
  -- Its other members are secrets.
  credential = function() return members(kong.client.get_credential(), { "id" }) end,
  route = function() return with_tags(kong.router.get_route()) end,
  service = function() return with_tags(kong.router.get_service()) end,
  token = function() return text(kong.ctx.shared.${TOKEN_KEY}) end,
}

-- What Kong itself has verified, as far as it is wanted.
local function verified(wanted)
  local found = {}
  for _, name in ipairs(wanted) do
    found[name] = VERIFIED[name]()
  end
  return found
end

function Snapshot:access(conf)
  local var = ngx.var
  local headers, problem = ngx.req.get_headers(${HEADER_LINES_MAX})
  if problem then
    -- There are more: nobody can say what is in them.
    headers = nil
  end
  local names = headers and type(conf.strip) == "table" and conf.strip or nil
  local wanted = type(conf.verified) == "table" and #conf.verified > 0 and conf.verified or nil
  local with_body = conf.body_limit > 0
  kong.ctx.shared.${SNAPSHOT_KEY} = cjson.encode({
    version = ${SNAPSHOT_VERSION},
    method = kong.request.get_method(),
    target = var.request_uri,
    headers = headers,
    scheme = kong.request.get_forwarded_scheme(),
    http_version = kong.request.get_http_version(),
    time = ngx.req.start_time(),
    source_ip = kong.client.get_forwarded_ip(),
    source_port = kong.client.get_forwarded_port(),
    destination_ip = var.server_addr,
    destination_port = var.server_port,
    server_name = var.ssl_server_name,
    tls_version = var.ssl_protocol,
    client_verify = var.ssl_client_verify,
    body_read = with_body,
    body = with_body and body_up_to(conf.body_limit) or nil,
    verified = wanted and verified(wanted),
    verified_read = wanted,
    stripped = names,
    logs = true,
    responds = true,
  })
  if names then
    strip(headers, names)
  end
end

local function decision()
  local record = kong.ctx.shared.${DECISION_KEY}
  return type(record) == "string" and cjson.decode(record) or nil
end

-- Of requests that were allowed, on the way out: in the place of the upstream's own.
function Snapshot:header_filter()
  local record = kong.ctx.shared.${DECISION_KEY}
  if type(record) ~= "string" or not record:find('"response_headers":', 1, true) then
    return
  end
  local found = decision()
  if found and found.pass == true and type(found.response_headers) == "table" then
    for _, header in ipairs(found.response_headers) do
      kong.response.set_header(header.name, header.value)
    end
  end
end

function Snapshot:log()
  local record = decision()
  if record and record.log then
    kong.log.set_serialize_value("ipe", record.log)
  end
end

return Snapshot
`;

const snapshotSchema = `${GENERATED}
local typedefs = require "kong.db.schema.typedefs"

return {
  name = "${SNAPSHOT_NAME}",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
        type = "record",
        fields = {
          { body_limit = {
              type = "integer",
              default = 0,
              required = true,
              description = "Longest body in bytes that is handed over; 0 hands over none.",
          } },
          { strip = {
              type = "array",
              elements = { type = "string" },
              description = "Headers that policies set: clients' copies are removed. Lower case, with hyphens.",
          } },
          { verified = {
              type = "array",
              elements = { type = "string", one_of = { ${VERIFIED.map((name) => `"${name}"`).join(", ")} } },
              description = "What policies read of what Kong has verified; nothing else of it is handed over.",
          } },
        },
    } },
  },
}
`;

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

-- Built-in attributes that are one fact of the host (docs/request.md, section 3). Method, path, query, host, id and
-- resource have their own places.
local cells_of = require("kong.plugins.ipe.request.cells")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered
local read_text = require("kong.plugins.ipe.request.values").read_text

local PRESENT, INVALID = cells_of.PRESENT, cells_of.INVALID
local PORT_MAX = 65535
local SAFE_MAX = 9007199254740991

local function text(cells, enums, slot, fact)
  if fact == nil then return end
  if type(fact) ~= "string" then
    cells.state[slot.cell] = INVALID
  else
    read_text(cells, enums, slot.shape, slot.cell, fact)
  end
end

-- An empty name, version or certificate field is absent.
local function filled(cells, enums, slot, fact)
  if fact ~= "" then text(cells, enums, slot, fact) end
end

-- Host names have no case (RFC 6066, section 3).
local function lowered(cells, enums, slot, fact)
  if type(fact) == "string" then fact = fact:lower() end
  filled(cells, enums, slot, fact)
end

local function number_to(max)
  return function(cells, _, slot, fact)
    if fact == nil then return end
    local fits = type(fact) == "number" and fact % 1 == 0 and fact >= 0 and fact <= max
    cells.state[slot.cell] = fits and PRESENT or INVALID
    cells.value[slot.cell] = fact
  end
end

local number, port = number_to(SAFE_MAX), number_to(PORT_MAX)

local function flag(cells, _, slot, fact)
  if fact == nil then return end
  cells.state[slot.cell] = type(fact) == "boolean" and PRESENT or INVALID
  cells.value[slot.cell] = fact == true and 1 or 0
end

-- By name: the table of the request that holds the fact (nil: the request itself), the fact, and how it is read.
local LOADS = {
  ["request.scheme"] = { nil, "scheme", text },
  ["request.protocol"] = { nil, "protocol", text },
  ["request.size"] = { nil, "size", number },
  ["request.time"] = { nil, "time", number },
  ["source.ip"] = { "source", "ip", text },
  ["source.port"] = { "source", "port", port },
  ["source.principal"] = { "source", "principal", filled },
  ["destination.ip"] = { "destination", "ip", text },
  ["destination.port"] = { "destination", "port", port },
  ["destination.principal"] = { "destination", "principal", filled },
  ["connection.mtls"] = { "connection", "mtls", flag },
  ["connection.requested_server_name"] = { "connection", "requested_server_name", lowered },
  ["connection.tls_version"] = { "connection", "tls_version", filled },
  ["connection.subject_peer_certificate"] = { "connection", "subject_peer_certificate", filled },
  ["connection.uri_san_peer_certificate"] = { "connection", "uri_san_peer_certificate", filled },
  ["connection.dns_san_peer_certificate"] = { "connection", "dns_san_peer_certificate", filled },
  ["connection.sha256_peer_certificate_digest"] = { "connection", "sha256_peer_certificate_digest", filled },
}

local M = {}

-- The slots among `slots` that this module loads, with how.
function M.of(slots)
  local own = {}
  for _, slot in ipairs(slots) do
    if LOADS[slot.name] then own[#own + 1] = { slot = slot, load = LOADS[slot.name] } end
  end
  return own
end

function M.load(cells, enums, own, request)
  for _, entry in ipairs(own) do
    local group, name, read = entry.load[1], entry.load[2], entry.load[3]
    local holder = request
    if group then holder = request[group] end
    local fact = undelivered
    if type(holder) == "table" and holder ~= undelivered then fact = holder[name] end
    read(cells, enums, entry.slot, fact)
  end
end

return M

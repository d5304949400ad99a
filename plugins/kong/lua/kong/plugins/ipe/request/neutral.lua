-- The neutral request: what the host hands to the runtime (docs/request.md, section 1), as one table.
--
--   method, target, host, scheme, protocol   strings
--   size, time                               numbers; time in whole milliseconds since 1970
--   headers                                  a list of { name = , value = } in order, without pseudo headers
--   headers_joined                           true where the host joined lines of one name with commas
--   body                                     a string; the empty one says that there is proved to be none
--   body_is_json                             the body counts as application/json (tests and command line only)
--   source, destination                      { ip = , port = , principal = }
--   connection                               { mtls = , requested_server_name = , tls_version = ,
--                                              subject_peer_certificate = , uri_san_peer_certificate = ,
--                                              dns_san_peer_certificate = , sha256_peer_certificate_digest = }
--   extensions                               a table from keys to strings
--
-- A fact that is nil is proved missing, one that is `undelivered` the host cannot know. Headers, body, extensions, and the
-- tables of source, destination and connection are undelivered where they are nil: a host that forgets one must not prove
-- anything by it.
local undelivered = setmetatable({}, { __tostring = function() return "undelivered" end })

return { undelivered = undelivered }

-- Generated from core/check/targets.ts by `npm run gen`. Do not edit.
return {
  -- Built-in attributes by name, and whole sources: why kong cannot supply them.
  missing = {
    ["source.principal"] = "Kong gives plugins no access to it",
    ["destination.principal"] = "Kong gives plugins no access to it",
    ["connection.subject_peer_certificate"] = "Kong gives plugins no access to it",
    ["connection.uri_san_peer_certificate"] = "Kong gives plugins no access to it",
    ["connection.dns_san_peer_certificate"] = "Kong gives plugins no access to it",
    ["connection.sha256_peer_certificate_digest"] = "Kong gives plugins no access to it",
  },
  -- Keys of the source `extension` that it gives.
  extension_keys = {
    "consumer.id",
    "consumer.username",
    "consumer.custom_id",
    "consumer.groups",
    "credential.id",
    "route.id",
    "route.name",
    "route.tags",
    "service.id",
    "service.name",
    "service.tags",
  },
  -- And all keys that begin so and go on.
  extension_prefixes = {
    "jwt.",
  },
}

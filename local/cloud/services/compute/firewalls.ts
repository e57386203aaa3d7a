/** Firewall rules of a network: either what is allowed or what is denied. */
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Json, JsonObject, ResourceType } from "../../service";
import { invalidField } from "./links";
import { parseCidr } from "./ranges";
import { computeType } from "./resource";

export const firewalls: ResourceType = computeType({
  plural: "firewalls",
  schema: "Firewall",
  parameter: "firewall",
  scope: "global",
  required: ["network"],
  immutable: ["network", "direction"],
  defaults: { direction: "INGRESS", priority: 1000, disabled: false, "logConfig.enable": false },
  references: ["network"],
  check: checkRule,
  source: "https://cloud.google.com/compute/docs/reference/rest/v1/firewalls",
});

const list = (value: Json | undefined) => (Array.isArray(value) ? value : []);

function checkRule(rule: JsonObject): void {
  const isIngress = rule.direction === "INGRESS";
  if (list(rule.allowed).length > 0 === list(rule.denied).length > 0) {
    const message = "Exactly one of resource.allowed and resource.denied must be set.";
    throw new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
  }
  const priority = Number(rule.priority);
  if (priority < 0 || priority > 65535)
    throw invalidField("priority", textOf(rule.priority), "Must be between 0 and 65535.");
  for (const field of ["sourceRanges", "destinationRanges"] as const)
    for (const cidr of list(rule[field]))
      if (!parseCidr(textOf(cidr)) && !textOf(cidr).includes(":"))
        throw invalidField(field, textOf(cidr), "Must be a CIDR address range.");
  const misplaced = isIngress
    ? []
    : ["sourceRanges", "sourceTags", "sourceServiceAccounts"].filter((field) => list(rule[field]).length > 0);
  if (misplaced.length > 0)
    throw invalidField(misplaced[0]!, JSON.stringify(rule[misplaced[0]!]), "Not allowed in EGRESS rules.");
  // Everywhere, unless the rule says something else. Source: field sourceRanges and destinationRanges.
  const isOpen = isIngress
    ? ["sourceRanges", "sourceTags", "sourceServiceAccounts"].every((field) => list(rule[field]).length === 0)
    : list(rule.destinationRanges).length === 0;
  if (isOpen) rule[isIngress ? "sourceRanges" : "destinationRanges"] = ["0.0.0.0/0"];
}

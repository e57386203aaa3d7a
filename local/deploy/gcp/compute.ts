/** Networks and firewall rules. */
import { isObject, type Properties } from "../values";
import { computeDescriptor, link, patch, PROJECT, withoutLogConfig } from "./compute-api";
import { COMPUTE_REGIONAL } from "./compute-regional";
import { COMPUTE_PEERING } from "./compute-peering";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";

const networkShape: Shape = {
  ...PROJECT,
  name: { type: "string", required: true, replaces: true },
  description: { type: "string", replaces: true },
  autoCreateSubnetworks: { type: "boolean", default: true, replaces: true },
  routingMode: { type: "string", rest: "routingConfig.routingMode", computed: true, allowed: ["REGIONAL", "GLOBAL"] },
  bgpBestPathSelectionMode: {
    type: "string",
    rest: "routingConfig.bgpBestPathSelectionMode",
    computed: true,
    allowed: ["LEGACY", "STANDARD"],
  },
  mtu: { type: "integer", computed: true, replaces: true },
  networkFirewallPolicyEnforcementOrder: {
    type: "string",
    default: "AFTER_CLASSIC_FIREWALL",
    allowed: ["AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL"],
  },
  deleteDefaultRoutesOnCreate: { type: "boolean", rest: false, default: false, allowed: ["false"] },
};

const network: Descriptor = computeDescriptor({
  type: "gcp:compute/network:Network",
  source: "compute.beta networks; google_compute_network",
  plural: "networks",
  scope: "global",
  shape: networkShape,
  outputs: { selfLink: "selfLink", gatewayIpv4: "gatewayIPv4", networkId: "id", numericId: "id" },
  hasDeletionPolicy: true,
  change: patch("networks", "global", ({ networkFirewallPolicyEnforcementOrder, ...inputs }) => {
    const { routingConfig } = toRest(networkShape, inputs);
    return {
      ...(routingConfig && { routingConfig }),
      networkFirewallPolicyEnforcementOrder: networkFirewallPolicyEnforcementOrder ?? "AFTER_CLASSIC_FIREWALL",
    };
  }),
});

const rules: Shape = { protocol: { type: "string", required: true, rest: "IPProtocol" }, ports: { type: "list" } };
const names: Shape[string] = { type: "list", set: true };

const firewallShape: Shape = {
  ...PROJECT,
  name: { type: "string", required: true, replaces: true },
  network: link({ required: true, replaces: true }),
  description: { type: "string" },
  direction: { type: "string", computed: true, replaces: true, allowed: ["INGRESS", "EGRESS"] },
  priority: { type: "integer", default: 1000 },
  disabled: { type: "boolean" },
  allows: { type: "list", rest: "allowed", fields: rules, set: true },
  denies: { type: "list", rest: "denied", fields: rules, set: true },
  sourceRanges: { ...names, computed: true },
  destinationRanges: { ...names, computed: true },
  sourceTags: names,
  targetTags: names,
  sourceServiceAccounts: names,
  targetServiceAccounts: names,
  logConfig: {
    type: "object",
    fields: {
      metadata: { type: "string", required: true, allowed: ["EXCLUDE_ALL_METADATA", "INCLUDE_ALL_METADATA"] },
    },
  },
};

/** Rules are written whole: what a rule no longer has is sent empty. */
function firewallBody(inputs: Inputs): Properties {
  const empty = ["allowed", "denied", "sourceRanges", "destinationRanges", "sourceTags", "targetTags"];
  const accounts = ["sourceServiceAccounts", "targetServiceAccounts"];
  const { logConfig, ...body } = toRest(firewallShape, inputs);
  return {
    description: "",
    disabled: false,
    ...Object.fromEntries([...empty, ...accounts].map((field) => [field, []])),
    ...body,
    logConfig: isObject(logConfig) ? { ...logConfig, enable: true } : { enable: false },
  };
}

const firewall: Descriptor = computeDescriptor({
  type: "gcp:compute/firewall:Firewall",
  source: "compute.beta firewalls; google_compute_firewall",
  plural: "firewalls",
  scope: "global",
  shape: firewallShape,
  body: firewallBody,
  outputs: { selfLink: "selfLink", creationTimestamp: "creationTimestamp" },
  hasDeletionPolicy: true,
  check: ({ allows, denies }) =>
    (allows === undefined) === (denies === undefined)
      ? [{ property: "allows", reason: `got ${allows ? "both" : "neither"}; expected one of allows, denies` }]
      : [],
  readAs: withoutLogConfig,
  change: patch("firewalls", "global", ({ direction: _, ...inputs }) => {
    const { name: _name, ...body } = firewallBody(inputs);
    return body;
  }),
});

export const COMPUTE_ENGINE: readonly Descriptor[] = [network, firewall, ...COMPUTE_REGIONAL, ...COMPUTE_PEERING];

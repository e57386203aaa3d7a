/** Subnets, and routers with their NAT gateways. */
import { DeployError } from "../errors";
import { isObject, type Properties, text } from "../values";
import { COMPUTE, computeDescriptor, link, operate, patch, PROJECT, REGION, withoutLogConfig } from "./compute-api";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { fromRest, toRest, type Shape } from "./shape";

const named: Shape = { ...PROJECT, ...REGION, name: { type: "string", required: true, replaces: true } };

const subnetShape: Shape = {
  ...named,
  network: link({ required: true, replaces: true }),
  ipCidrRange: { type: "string", required: true },
  description: { type: "string", replaces: true },
  purpose: { type: "string", computed: true, replaces: true, allowed: ["PRIVATE"] },
  privateIpGoogleAccess: { type: "boolean", computed: true },
  stackType: { type: "string", computed: true, allowed: ["IPV4_ONLY"] },
  secondaryIpRanges: {
    type: "list",
    computed: true,
    fields: { rangeName: { type: "string", required: true }, ipCidrRange: { type: "string", required: true } },
  },
  logConfig: {
    type: "object",
    fields: {
      aggregationInterval: { type: "string", default: "INTERVAL_5_SEC" },
      flowSampling: { type: "number", default: 0.5 },
      metadata: { type: "string", default: "INCLUDE_ALL_METADATA" },
      metadataFields: { type: "list", set: true },
      filterExpr: { type: "string", default: "true" },
    },
  },
};

const subnetBody = (inputs: Inputs): Properties => {
  const { logConfig, ...body } = toRest(subnetShape, inputs);
  return { ...body, logConfig: isObject(logConfig) ? { ...logConfig, enable: true } : { enable: false } };
};

const subnetwork: Descriptor = computeDescriptor({
  type: "gcp:compute/subnetwork:Subnetwork",
  source: "compute.beta subnetworks; google_compute_subnetwork",
  plural: "subnetworks",
  scope: "regional",
  shape: subnetShape,
  body: subnetBody,
  outputs: {
    selfLink: "selfLink",
    gatewayAddress: "gatewayAddress",
    fingerprint: "fingerprint",
    creationTimestamp: "creationTimestamp",
    subnetworkId: ({ id }) => Number(id),
    privateIpv6GoogleAccess: "privateIpv6GoogleAccess",
  },
  hasDeletionPolicy: true,
  readAs: withoutLogConfig,
  // A range can grow where it is; anything else is another range.
  replaces: (olds, news) => (isLarger(text(news.ipCidrRange), text(olds.ipCidrRange)) ? [] : ["ipCidrRange"]),
  change: async (context, { news, outputs, changes }) => {
    const url = `${COMPUTE}/projects/${news.project}/regions/${text(news.region)}/subnetworks/${text(news.name)}`;
    const changed = new Set(changes.map(({ path }) => path.split(/[.[]/)[0]));
    const { ipCidrRange, privateIpGoogleAccess, ...rest } = subnetBody(news);
    if (changed.delete("ipCidrRange"))
      await operate(context, { method: "POST", url: `${url}/expandIpCidrRange`, body: { ipCidrRange: ipCidrRange! } });
    if (changed.delete("privateIpGoogleAccess")) {
      const body = { privateIpGoogleAccess: privateIpGoogleAccess ?? false };
      await operate(context, { method: "POST", url: `${url}/setPrivateIpGoogleAccess`, body });
    }
    const parts = [...changed].filter((part): part is string => part !== undefined);
    if (parts.length === 0) return;
    const current = await context.http.call({ method: "GET", url });
    const body = Object.fromEntries(parts.map((part) => [part, rest[part] ?? []])) as Properties;
    const fingerprint = current.fingerprint ?? outputs.fingerprint ?? "";
    await operate(context, { method: "PATCH", url, body: { ...body, fingerprint } });
  },
});

/** Whether one range is the other's with fewer fixed bits; whether it contains it, the service says. */
const isLarger = (news: string, olds: string) => Number(news.split("/")[1]) < Number(olds.split("/")[1]);

const routerShape: Shape = {
  ...named,
  network: link({ required: true, replaces: true }),
  description: { type: "string" },
  bgp: {
    type: "object",
    fields: {
      asn: { type: "integer", required: true },
      advertiseMode: { type: "string", default: "DEFAULT", allowed: ["DEFAULT", "CUSTOM"] },
      advertisedGroups: { type: "list" },
      keepaliveInterval: { type: "integer", default: 20 },
    },
  },
};

const router: Descriptor = computeDescriptor({
  type: "gcp:compute/router:Router",
  source: "compute.beta routers; google_compute_router",
  plural: "routers",
  scope: "regional",
  shape: routerShape,
  outputs: { selfLink: "selfLink", creationTimestamp: "creationTimestamp" },
  hasDeletionPolicy: true,
  change: patch("routers", "regional", (inputs) => {
    const { bgp, description } = toRest(routerShape, inputs);
    return { bgp: bgp ?? null, description: description ?? "" };
  }),
});

const seconds = (standard: number): Shape[string] => ({ type: "integer", default: standard });
const natShape: Shape = {
  ...named,
  router: { type: "string", rest: false, required: true, replaces: true },
  natIpAllocateOption: { type: "string", allowed: ["AUTO_ONLY", "MANUAL_ONLY"] },
  sourceSubnetworkIpRangesToNat: { type: "string", required: true },
  subnetworks: {
    type: "list",
    set: true,
    fields: {
      name: link({ required: true }),
      sourceIpRangesToNats: { type: "list", rest: "sourceIpRangesToNat", required: true },
      secondaryIpRangeNames: { type: "list" },
    },
  },
  logConfig: {
    type: "object",
    fields: { enable: { type: "boolean", required: true }, filter: { type: "string", required: true } },
  },
  minPortsPerVm: { type: "integer", computed: true },
  maxPortsPerVm: { type: "integer", computed: true },
  enableDynamicPortAllocation: { type: "boolean", computed: true },
  enableEndpointIndependentMapping: { type: "boolean", computed: true },
  endpointTypes: { type: "list", computed: true, replaces: true },
  autoNetworkTier: { type: "string", computed: true },
  type: { type: "string", default: "PUBLIC", replaces: true, allowed: ["PUBLIC", "PRIVATE"] },
  icmpIdleTimeoutSec: seconds(30),
  tcpEstablishedIdleTimeoutSec: seconds(1200),
  tcpTimeWaitTimeoutSec: seconds(120),
  tcpTransitoryIdleTimeoutSec: seconds(30),
  udpIdleTimeoutSec: seconds(30),
};

const routerUrl = (inputs: Inputs) =>
  `${COMPUTE}/projects/${inputs.project}/regions/${text(inputs.region)}/routers/${text(inputs.router)}`;
const natsOf = (router: Properties | undefined) => (router?.nats ?? []) as Properties[];
const isNamed = (inputs: Inputs) => (nat: Properties) => nat.name === inputs.name;

/** A gateway is part of its router: read, change the list, write it back, one change of a router at a time. */
function changeNats(context: Context, inputs: Inputs, edit: (nats: Properties[]) => Properties[]): Promise<Properties> {
  return context.exclusive(routerUrl(inputs), async () => {
    const found = await context.http.find(routerUrl(inputs));
    if (!found) throw new DeployError(`${routerUrl(inputs)}: does not exist, so that it can have no NAT`);
    const nats = edit(natsOf(found));
    await operate(context, { method: "PATCH", url: routerUrl(inputs), body: { nats } });
    return natsOf(await context.http.call({ method: "GET", url: routerUrl(inputs) })).find(isNamed(inputs)) ?? {};
  });
}

const nat: Descriptor = {
  type: "gcp:compute/routerNat:RouterNat",
  source: "compute.beta routers.patch; google_compute_router_nat",
  shape: natShape,
  outputs: {},
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 63 },
  id: (inputs) => [inputs.project, text(inputs.region), text(inputs.router), text(inputs.name)].join("/"),
  create: (context, inputs) =>
    changeNats(context, inputs, (nats) => {
      if (nats.some(isNamed(inputs))) throw new DeployError(`${text(inputs.name)}: the router has a NAT of this name`);
      return [...nats, toRest(natShape, inputs)];
    }),
  read: async ({ http }, inputs) => natsOf(await http.find(routerUrl(inputs))).find(isNamed(inputs)),
  update: (context, { news }) =>
    changeNats(context, news, (nats) => nats.map((one) => (isNamed(news)(one) ? merged(one, news) : one))),
  delete: async (context, inputs) => {
    const found = await context.http.find(routerUrl(inputs));
    if (natsOf(found).some(isNamed(inputs)))
      await changeNats(context, inputs, (nats) => nats.filter((one) => !isNamed(inputs)(one)));
  },
};

/** What the program leaves to the service stays as the service chose it. */
function merged(current: Properties, news: Inputs): Properties {
  const chosen = Object.entries(natShape)
    .filter(([, field]) => field.computed)
    .map(([name]) => name);
  const kept = Object.fromEntries(
    Object.entries(fromRest(natShape, current)).filter(([name]) => chosen.includes(name)),
  );
  return { ...kept, ...toRest(natShape, news) };
}

export const COMPUTE_REGIONAL: readonly Descriptor[] = [subnetwork, router, nat];

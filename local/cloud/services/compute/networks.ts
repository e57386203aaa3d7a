/** VPC networks in custom mode; subnets and peerings are shown as they are at the time of reading. */
import { textOf } from "../../json";
import { ApiError } from "../../errors";
import type { Cloud } from "../../cloud";
import type { JsonObject, ResourceType } from "../../service";
import { linkTo, nameIn, PEERINGS } from "./links";
import { computeType, numberOf } from "./resource";

export const networks: ResourceType = computeType({
  plural: "networks",
  schema: "Network",
  parameter: "network",
  scope: "global",
  immutable: ["autoCreateSubnetworks", "description"],
  defaults: {
    mtu: 1460,
    networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
    "routingConfig.routingMode": "REGIONAL",
    "routingConfig.bgpBestPathSelectionMode": "LEGACY",
  },
  serverSet: { selfLinkWithId: ({ resource, call, now }) => linkWithId(resource, call.path.project!, now) },
  check: requireCustomMode,
  view: async (network, cloud) => ({
    ...network,
    ...(await subnetsOf(network, cloud)),
    ...(await peeringsOf(network, cloud)),
  }),
  source: "https://cloud.google.com/compute/docs/reference/rest/v1/networks",
});

const linkWithId = (network: JsonObject, project: string, now: string) =>
  linkTo(`projects/${project}/global/networks/${numberOf(`networks/${textOf(network.name)} ${now}`)}`);

/** A network in auto mode has a subnet in each of Google's regions; here each subnet is the program's own. */
function requireCustomMode({ autoCreateSubnetworks }: JsonObject): void {
  if (autoCreateSubnetworks === false) return;
  const got = autoCreateSubnetworks === true ? "auto mode" : "legacy mode";
  throw new ApiError(
    "UNIMPLEMENTED",
    `Networks in ${got} are not served by this cloud: set autoCreateSubnetworks to false.`,
  );
}

async function subnetsOf(network: JsonObject, cloud: Cloud): Promise<JsonObject> {
  const regional = await cloud.store.list(`projects/${cloud.project.id}/regions/`);
  const subnetworks = regional
    .filter(({ key, value }) => key.includes("/subnetworks/") && value.network === network.selfLink)
    .map(({ key }) => linkTo(key));
  return subnetworks.length > 0 ? { subnetworks } : {};
}

/** A connection to Google's services appears as a peering with the producer's network. */
async function peeringsOf(network: JsonObject, cloud: Cloud): Promise<JsonObject> {
  const name = nameIn(textOf(network.selfLink), cloud);
  const byNumber = name.replace(`projects/${cloud.project.id}/`, `projects/${cloud.project.number}/`);
  const connections = await cloud.store.list(PEERINGS);
  const peerings = connections
    .filter(({ value }) => value.network === byNumber)
    .map(({ value }) => ({
      name: textOf(value.peering),
      network: linkTo(`projects/${numberOf(byNumber).slice(0, 12)}-tp/global/networks/servicenetworking`),
      state: "ACTIVE",
      stateDetails: "Connected.",
      ...{ autoCreateRoutes: true, exchangeSubnetRoutes: true, exportCustomRoutes: false, importCustomRoutes: false },
      ...{ exportSubnetRoutesWithPublicIp: false, importSubnetRoutesWithPublicIp: false, stackType: "IPV4_ONLY" },
    }));
  return peerings.length > 0 ? { peerings } : {};
}

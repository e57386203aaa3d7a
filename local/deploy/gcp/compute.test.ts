/** Networks through the host's provider against a live cloud: lives of the types, and what Compute refuses. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cloudResourceManager } from "../../cloud/services/cloudresourcemanager";
import { compute } from "../../cloud/services/compute";
import { serviceNetworking } from "../../cloud/services/servicenetworking";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Instance } from "../provider";
import type { Properties } from "../values";

const P = "projects/sparklab-local";
const REGION = "us-central1";
const NETWORK = "gcp:compute/network:Network";
const SUBNET = "gcp:compute/subnetwork:Subnetwork";
const ROUTER = "gcp:compute/router:Router";
const ADDRESS = "gcp:compute/globalAddress:GlobalAddress";
const CONNECTION = "gcp:servicenetworking/connection:Connection";

let google: LiveProvider;
let network: Instance;
let subnet: Instance;
beforeAll(async () => {
  google = await liveProvider([...cloudResourceManager, ...compute, serviceNetworking]);
  network = await google.make(NETWORK, { name: "lab", autoCreateSubnetworks: false });
  subnet = await google.make(SUBNET, subnetInputs("lab-spark", "10.10.0.0/20"));
});
afterAll(() => google.close());

const subnetInputs = (name: string, ipCidrRange: string, more: Properties = {}): Properties => ({
  ...{ name, ipCidrRange, region: REGION, network: `${P}/global/networks/lab`, privateIpGoogleAccess: true },
  ...more,
});
const address = { name: "lab-psa", purpose: "VPC_PEERING", addressType: "INTERNAL", prefixLength: 16 };

describe("the life of a", () => {
  test("Network", () =>
    google.live({
      type: NETWORK,
      inputs: { name: "other", autoCreateSubnetworks: false },
      id: `${P}/global/networks/other`,
      outputs: {
        mtu: 1460,
        routingMode: "REGIONAL",
        selfLink: `https://www.googleapis.com/compute/v1/${P}/global/networks/other`,
      },
      change: [{ name: "other", autoCreateSubnetworks: false, routingMode: "GLOBAL" }, ["routingMode"]],
      replace: [{ name: "other", autoCreateSubnetworks: false, description: "new" }, ["description"]],
    }));

  test("Subnetwork, which grows in place and shrinks by replacement", () =>
    google.live({
      type: SUBNET,
      inputs: subnetInputs("grows", "10.20.0.0/24"),
      id: `${P}/regions/${REGION}/subnetworks/grows`,
      outputs: { gatewayAddress: "10.20.0.1", purpose: "PRIVATE", stackType: "IPV4_ONLY" },
      change: [
        subnetInputs("grows", "10.20.0.0/22", { privateIpGoogleAccess: false, logConfig: { flowSampling: 1 } }),
        ["ipCidrRange", "privateIpGoogleAccess", "logConfig"],
      ],
      replace: [subnetInputs("grows", "10.20.0.0/26"), ["ipCidrRange"]],
    }));

  test("Firewall", () => {
    const rule = {
      name: "spark",
      network: network.id,
      allows: [{ protocol: "tcp" }, { protocol: "udp" }],
      sourceRanges: ["10.10.0.0/20"],
    };
    return google.live({
      type: "gcp:compute/firewall:Firewall",
      inputs: { ...rule, direction: "INGRESS" },
      id: `${P}/global/firewalls/spark`,
      outputs: { priority: 1000, direction: "INGRESS" },
      change: [{ ...rule, direction: "INGRESS", priority: 900, targetTags: ["spark"] }, ["priority", "targetTags"]],
      replace: [{ ...rule, direction: "EGRESS" }, ["direction"]],
    });
  });

  test("Router and its RouterNat", async () => {
    const router = { name: "lab-r", region: REGION, network: network.id };
    await google.make(ROUTER, router);
    const nat: Properties = {
      ...{ name: "lab-nat", router: "lab-r", region: REGION, natIpAllocateOption: "AUTO_ONLY" },
      sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
      subnetworks: [{ name: subnet.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
      logConfig: { enable: true, filter: "ERRORS_ONLY" },
    };
    await google.live({
      type: "gcp:compute/routerNat:RouterNat",
      inputs: nat,
      id: `sparklab-local/${REGION}/lab-r/lab-nat`,
      outputs: { type: "PUBLIC", endpointTypes: ["ENDPOINT_TYPE_VM"], udpIdleTimeoutSec: 30 },
      change: [{ ...nat, minPortsPerVm: 128 }, ["minPortsPerVm"]],
      replace: [{ ...nat, router: "another" }, ["router"]],
      before: async () => {
        await expect(google.provider.delete(SUBNET, subnet, {})).rejects.toThrow(
          `The subnetwork resource '${subnet.id}' is already being used by '${P}/regions/${REGION}/routers/lab-r'`,
        );
      },
    });
    await google.provider.delete(ROUTER, { id: "", inputs: router, outputs: {} }, {});
  });

  test("GlobalAddress and the Connection that uses it", async () => {
    const inputs: Properties = { ...address, network: network.id, labels: { a: "1" } };
    const reserved = await google.live({
      type: ADDRESS,
      inputs,
      id: `${P}/global/addresses/lab-psa`,
      outputs: { address: "10.0.0.0", pulumiLabels: { a: "1", "goog-terraform-provisioned": "true" } },
      change: [{ ...inputs, labels: { a: "2" } }, ["labels.a"]],
      replace: [{ ...inputs, prefixLength: 20 }, ["prefixLength"]],
      keep: true,
    });
    expect(reserved.outputs.address).toBe("10.0.0.0");
    const more = await google.make(ADDRESS, { ...address, name: "more", network: network.id });
    const connection = (reservedPeeringRanges: string[]): Properties => ({
      ...{ network: network.id, service: "servicenetworking.googleapis.com", reservedPeeringRanges },
    });
    await google.live({
      type: CONNECTION,
      inputs: connection(["lab-psa"]),
      id: `${encodeURIComponent(network.id)}:servicenetworking.googleapis.com`,
      outputs: { peering: "servicenetworking-googleapis-com" },
      change: [connection(["lab-psa", "more"]), ["reservedPeeringRanges"]],
      before: async () => {
        await expect(google.provider.delete(ADDRESS, reserved, {})).rejects.toThrow("is already being used by");
        const found = await google.lab.rest(`GET https://compute.googleapis.com/compute/v1/${network.id}`);
        expect(found).toMatchObject({ peerings: [{ name: "servicenetworking-googleapis-com", state: "ACTIVE" }] });
      },
    });
    for (const range of [reserved, more]) await google.provider.delete(ADDRESS, range, {});
  });

  test("all of them, read through the older version too", async () => {
    const v1 = "https://compute.googleapis.com/compute/v1";
    const router = await google.make(ROUTER, { name: "seen", region: REGION, network: network.id });
    for (const list of [
      "global/networks",
      "global/firewalls",
      `regions/${REGION}/subnetworks`,
      `regions/${REGION}/routers`,
    ])
      expect(await google.lab.rest(`GET ${v1}/${P}/${list}`)).not.toHaveProperty("items[0].etag");
    await google.provider.delete(ROUTER, router, {});
  });
});

describe("Compute refuses", () => {
  const refused = async (type: string, inputs: Properties) => {
    const checked = google.provider.check(type, "urn:pulumi:test::p::t::n", inputs, undefined);
    return expect(google.provider.create(type, checked.inputs, {})).rejects;
  };

  test("ranges that overlap in a network", async () =>
    (await refused(SUBNET, subnetInputs("overlaps", "10.10.8.0/24"))).toThrow(
      "Invalid IPCidrRange: 10.10.8.0/24 conflicts with existing subnetwork 'lab-spark' in region 'us-central1'.",
    ));
  test("a range that does not begin at its first address", async () =>
    (await refused(SUBNET, subnetInputs("odd", "10.30.0.1/24"))).toThrow("Must be a valid CIDR range"));
  test("a subnet of a network that is not there", async () =>
    (await refused(SUBNET, subnetInputs("lost", "10.40.0.0/24", { network: `${P}/global/networks/none` }))).toThrow(
      "The referenced network resource cannot be found.",
    ));
  test("a second network of the same name", async () =>
    (await refused(NETWORK, { name: "lab", autoCreateSubnetworks: false })).toThrow(
      "The resource 'projects/sparklab-local/global/networks/lab' already exists",
    ));
  test("networks in auto mode, by name", async () =>
    (await refused(NETWORK, { name: "auto" })).toThrow("Networks in auto mode are not served by this cloud"));
  test("deletion of a network in use", () =>
    expect(google.provider.delete(NETWORK, network, {})).rejects.toThrow(
      `The network resource '${network.id}' is already being used by '${subnet.id}'`,
    ));
  test("machines, which are not served", async () => {
    const url = `POST https://compute.googleapis.com/compute/v1/${P}/zones/us-central1-a/instances`;
    expect((await google.lab.refusal(url, { name: "vm" })).status).toBe("UNIMPLEMENTED");
  });
});

/** Service Networking v1: private connections between a network of the project and Google's own services. */
import type { Cloud } from "../cloud";
import { ApiError, invalid } from "../errors";
import { textOf } from "../json";
import type { Behaviour, Call, Json, JsonObject, Service } from "../service";
import { PEERINGS } from "./compute/links";

const PEERING = "servicenetworking-googleapis-com";
const TYPES = "type.googleapis.com/google.cloud.servicenetworking.v1";

export const serviceNetworking: Service = {
  apis: ["servicenetworking.v1"],
  types: [],
  methods: {
    "servicenetworking.services.connections.create": create,
    "servicenetworking.services.connections.list": list,
    "servicenetworking.services.connections.patch": patch,
    "servicenetworking.services.connections.deleteConnection": remove,
  } satisfies Record<string, Behaviour>,
};

const keyOf = (network: string) => `${PEERINGS}${network}`;

async function create(call: Call, cloud: Cloud): Promise<Json> {
  const network = requireNetwork(call.body.network, cloud);
  const ranges = await requireRanges(call.body, network, cloud);
  return cloud.store.exclusive(keyOf(network), async () => {
    if (await cloud.store.get(keyOf(network)))
      throw new ApiError(
        "ALREADY_EXISTS",
        `Connection of ${network} to servicenetworking.googleapis.com already exists.`,
      );
    return store(call, cloud, network, ranges);
  });
}

/** Ranges can be added and, with `force`, taken away. */
async function patch(call: Call, cloud: Cloud): Promise<Json> {
  const network = requireNetwork(call.body.network, cloud);
  const ranges = await requireRanges(call.body, network, cloud);
  return cloud.store.exclusive(keyOf(network), async () => {
    const current = await requireConnection(network, cloud);
    const gone = ((current.reservedPeeringRanges ?? []) as string[]).filter((range) => !ranges.includes(range));
    if (gone.length > 0 && call.query.force !== "true")
      throw new ApiError(
        "FAILED_PRECONDITION",
        `Cannot modify allocated ranges in CreateConnection without force: ${gone.join(", ")} would be removed.`,
      );
    return store(call, cloud, network, ranges);
  });
}

async function store(call: Call, cloud: Cloud, network: string, ranges: string[]): Promise<Json> {
  const connection: JsonObject = {
    ...{ network, reservedPeeringRanges: ranges, peering: PEERING },
    service: "services/servicenetworking.googleapis.com",
  };
  await cloud.store.write({ put: { [keyOf(network)]: connection } });
  return cloud.operations.done({ parent: "", response: { "@type": `${TYPES}.Connection`, ...connection }, call });
}

async function list(call: Call, cloud: Cloud): Promise<Json> {
  const asked = textOf(call.query.network);
  const network = asked === "" ? "" : byNumber(asked, cloud);
  const all = await cloud.store.list(PEERINGS);
  const connections = all.map(({ value }) => value).filter((value) => network === "" || value.network === network);
  return connections.length > 0 ? { connections } : {};
}

function remove(call: Call, cloud: Cloud): Promise<Json> {
  const network = byNumber(textOf(call.body.consumerNetwork), cloud);
  return cloud.store.exclusive(keyOf(network), async () => {
    await requireConnection(network, cloud);
    await cloud.store.write({ delete: [keyOf(network)] });
    return cloud.operations.done({
      parent: "",
      response: { "@type": "type.googleapis.com/google.protobuf.Empty" },
      call,
    });
  });
}

async function requireConnection(network: string, cloud: Cloud): Promise<JsonObject> {
  const found = await cloud.store.get(keyOf(network));
  if (found) return found;
  throw new ApiError("NOT_FOUND", `No connection of ${network} to servicenetworking.googleapis.com.`);
}

/** Connections name their network by the project's number. */
const byNumber = (network: string, { project }: Cloud) =>
  network.replace(`projects/${project.id}/`, `projects/${project.number}/`);

function requireNetwork(given: Json | undefined, cloud: Cloud): string {
  const network = byNumber(textOf(given), cloud);
  if (new RegExp(`^projects/${cloud.project.number}/global/networks/[^/]+$`).test(network)) return network;
  throw invalid(`network: got '${textOf(given)}'; expected projects/${cloud.project.number}/global/networks/<name>.`);
}

/** Ranges are names of global addresses that were reserved for peerings in the same network. */
async function requireRanges(body: JsonObject, network: string, cloud: Cloud): Promise<string[]> {
  const name = network.replace(cloud.project.number, cloud.project.id);
  const found = await cloud.store.get(name);
  if (!found) throw new ApiError("NOT_FOUND", `Network ${name} was not found.`);
  const ranges = ((body.reservedPeeringRanges ?? []) as Json[]).map(textOf);
  if (ranges.length === 0) throw invalid("reservedPeeringRanges: got none; expected at least one reserved range.");
  const addresses = await Promise.all(
    ranges.map((range) => cloud.store.get(`projects/${cloud.project.id}/global/addresses/${range}`)),
  );
  const wrong = ranges.filter((_, index) => addresses[index]?.network !== found.selfLink);
  if (wrong.length > 0)
    throw invalid(`reservedPeeringRanges: ${wrong.join(", ")} not reserved for VPC_PEERING in ${name}.`);
  return ranges;
}

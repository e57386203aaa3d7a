/** Ranges reserved in a network, and its private connection to Google's services. */
import { type Properties, text } from "../values";
import { COMPUTE, computeDescriptor, link, nameInLink, operate, PROJECT } from "./compute-api";
import type { Context, Descriptor, Inputs } from "./descriptor";
import type { Shape } from "./shape";

const addressShape: Shape = {
  ...PROJECT,
  name: { type: "string", required: true, replaces: true },
  description: { type: "string", replaces: true },
  address: { type: "string", computed: true, replaces: true },
  addressType: { type: "string", default: "EXTERNAL", replaces: true, allowed: ["EXTERNAL", "INTERNAL"] },
  purpose: { type: "string", replaces: true },
  prefixLength: { type: "integer", computed: true, replaces: true },
  network: link({ replaces: true }),
  ipVersion: { type: "string", replaces: true, computed: true },
  labels: { type: "map" },
};

async function setLabels(context: Context, inputs: Inputs): Promise<void> {
  const url = `${COMPUTE}/projects/${inputs.project}/global/addresses/${text(inputs.name)}`;
  const { labelFingerprint } = await context.http.call({ method: "GET", url });
  const body: Properties = { labels: inputs.labels ?? {}, labelFingerprint: labelFingerprint ?? "" };
  await operate(context, { method: "POST", url: `${url}/setLabels`, body });
}

const address: Descriptor = computeDescriptor({
  type: "gcp:compute/globalAddress:GlobalAddress",
  source: "compute.beta globalAddresses; google_compute_global_address",
  plural: "addresses",
  scope: "global",
  shape: addressShape,
  outputs: { selfLink: "selfLink", creationTimestamp: "creationTimestamp", labelFingerprint: "labelFingerprint" },
  labelled: true,
  hasDeletionPolicy: true,
  change: (context, { news }) => setLabels(context, news),
});

const API = "https://servicenetworking.googleapis.com/v1";
const SERVICE = "services/servicenetworking.googleapis.com";

/** Connections name their network by the project's number. */
async function numbered({ http }: Context, inputs: Inputs): Promise<string> {
  const [, project, ...rest] = nameInLink(inputs.network!).split("/");
  const url = `https://cloudresourcemanager.googleapis.com/v1/projects/${project}`;
  const found = await http.call({ method: "GET", url });
  return ["projects", text(found.projectNumber), ...rest].join("/");
}

async function readConnection(context: Context, inputs: Inputs): Promise<Properties | undefined> {
  const network = await numbered(context, inputs);
  const answer = await context.http.call({ method: "GET", url: `${API}/${SERVICE}/connections`, query: { network } });
  const found = ((answer.connections ?? []) as Properties[]).find((connection) => connection.network === network);
  return found && { ...found, network: inputs.network! };
}

const connection: Descriptor = {
  type: "gcp:servicenetworking/connection:Connection",
  source: "servicenetworking.v1 services.connections; google_service_networking_connection",
  shape: {
    network: link({ required: true, replaces: true }),
    service: {
      type: "string",
      rest: false,
      required: true,
      replaces: true,
      allowed: ["servicenetworking.googleapis.com"],
    },
    reservedPeeringRanges: { type: "list", required: true },
  },
  outputs: { peering: "peering" },
  hasDeletionPolicy: true,
  id: ({ network, service }) => `${encodeURIComponent(text(network))}:${text(service)}`,
  create: async (context, inputs, { timeout }) => {
    const body = { network: await numbered(context, inputs), reservedPeeringRanges: inputs.reservedPeeringRanges! };
    const made = await context.http.call({ method: "POST", url: `${API}/${SERVICE}/connections`, body });
    await context.http.wait(made, API, timeout);
    return (await readConnection(context, inputs)) ?? {};
  },
  read: readConnection,
  update: async (context, { news }, { timeout }) => {
    const body = { network: await numbered(context, news), reservedPeeringRanges: news.reservedPeeringRanges! };
    const query = { updateMask: "reservedPeeringRanges", force: "true" };
    const changed = await context.http.call({ method: "PATCH", url: `${API}/${SERVICE}/connections/-`, query, body });
    await context.http.wait(changed, API, timeout);
    return (await readConnection(context, news)) ?? {};
  },
  delete: async (context, inputs, _outputs, { timeout }) => {
    if (!(await readConnection(context, inputs))) return;
    const url = `${API}/${SERVICE}/connections/servicenetworking-googleapis-com`;
    const body = { consumerNetwork: await numbered(context, inputs) };
    await context.http.wait(await context.http.call({ method: "POST", url, body }), API, timeout);
  },
};

export const COMPUTE_PEERING: readonly Descriptor[] = [address, connection];

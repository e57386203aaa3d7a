/** Driver output of one batch, from the staging bucket where Dataproc puts it. */
import { v1, protos } from "@google-cloud/dataproc";
import { DriverOutput } from "../batches";
import { asClient, type Context } from "../context";
import { UserError } from "../lab";
import { readOutputs } from "../deployed";

export function logs(request: { stack: string; batch?: string }, context: Context): Promise<number> {
  return asClient(context, request.stack, async () => {
    const { project, region } = await readOutputs(context.lab, request.stack);
    const client = new v1.BatchControllerClient({ apiEndpoint: `${region}-dataproc.googleapis.com` });
    const parent = `projects/${project}/locations/${region}`;
    try {
      const batch = request.batch
        ? await find(client, `${parent}/batches/${request.batch}`)
        : await newest(client, parent);
      await new DriverOutput().read(batch.runtimeInfo?.outputUri, context.terminal.raw);
      return 0;
    } finally {
      await client.close();
    }
  });
}

type Batch = protos.google.cloud.dataproc.v1.IBatch;
/** gRPC status of a name that is not there. */
const NOT_FOUND = 5;

async function find(client: v1.BatchControllerClient, name: string): Promise<Batch> {
  try {
    return (await client.getBatch({ name }))[0];
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
    throw new UserError(`Batch: got "${name}"; expected the id of a batch that exists. npx sparklab status`);
  }
}

async function newest(client: v1.BatchControllerClient, parent: string): Promise<Batch> {
  const [batches] = await client.listBatches(
    { parent, orderBy: "create_time desc", pageSize: 1 },
    { autoPaginate: false },
  );
  if (!batches[0]) throw new UserError("No batch has been submitted yet. npx sparklab run");
  return batches[0];
}

/** Where a scored customer, a model or a run comes from: row, model, batch, data, pipeline job, stack, commit. */
import { asClient, type Context } from "../context";
import { readOutputs } from "../deployed";
import { EXIT } from "../exit-codes";
import { cloudSources } from "../lineage/sources";
import { trace } from "../lineage/trace";
import { lineageTree } from "../lineage/tree";

export interface LineageRequest {
  stack: string;
  /** Customer, model version or run. */
  id: string;
  json: boolean;
}

export function lineage({ stack, id, json }: LineageRequest, context: Context): Promise<number> {
  return asClient(context, stack, async () => {
    const outputs = await readOutputs(context.lab, stack);
    const found = await trace(id, cloudSources(context, stack, outputs));
    context.terminal.line(json ? JSON.stringify(found, null, 2) : lineageTree(found));
    return EXIT.done;
  });
}

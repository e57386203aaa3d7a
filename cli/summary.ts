/** What a pipeline run achieved: rows, metrics beside the published ones, and where each thing lies. */
import { BigQuery } from "@google-cloud/bigquery";
import type { StackOutputs } from "./deployed";
import { UserError } from "./lab";
import { PUBLISHED_METRICS } from "./published-metrics";
import { heading, table } from "./terminal";

/**
 * Reads the run's own tables through BigQuery and lays them out as text.
 * @param written names of the tables that its jobs write
 * @param version the model whose metrics are shown, of a run that made several
 */
export async function summary(
  outputs: StackOutputs,
  pipelineId: string,
  written: readonly string[],
  version = "",
): Promise<string> {
  const bigquery = new BigQuery({ projectId: outputs.project });
  const rows = await countRows(bigquery, outputs, pipelineId, written);
  const metrics = await readMetrics(bigquery, outputs, pipelineId, version);
  return [
    heading("Rows of this run"),
    table(["table", "rows"], rows),
    "",
    heading("Model on customers that it never saw"),
    table(["metric", "saved model", "mean of the splits", "spread", "published lab"], metricRows(metrics)),
    "",
    table(["", "predicted to stay", "predicted to leave"], confusionRows(metrics)),
    "",
    heading("Where things are"),
    table(
      ["what", "where"],
      [
        ["raw customers", outputs.jobSettings.customers ?? ""],
        ["tables", outputs.dataset],
        ["model", `gs://${outputs.buckets.models}`],
        ["metrics", `gs://${outputs.buckets.metrics}`],
        ["champion", `gs://${outputs.buckets.bundles}/customer-churn-model/champion.json`],
        ["job code", outputs.code],
      ],
    ),
    "",
    heading("Try next"),
    "  npx sparklab status                     what runs and what is deployed",
    "  npx sparklab notebook                   seven lessons in JupyterLab",
    "  npx sparklab train --again              the whole pipeline once more",
    "  npx sparklab run churn_scoring          one job again, as a new run",
    "  npx sparklab exec -- python my.py       any Google client against this cloud",
    "  npx sparklab destroy                    delete it all and see what stays",
  ].join("\n");
}

/** Version of the model that was tracked last. @throws UserError when none has been trained */
export async function newestModel(outputs: StackOutputs): Promise<string> {
  const [rows] = (await new BigQuery({ projectId: outputs.project }).query({
    query: `SELECT model_version FROM \`${outputs.tables.model_asset_tracker}\` ORDER BY pipeline_execution_dt DESC LIMIT 1`,
    location: outputs.region,
  })) as unknown as [{ model_version: string }[]];
  if (!rows[0]) throw new UserError("No model has been trained yet. npx sparklab run");
  return rows[0].model_version;
}

async function countRows(
  bigquery: BigQuery,
  outputs: StackOutputs,
  pipelineId: string,
  written: readonly string[],
): Promise<(string | number)[][]> {
  const counts = written.map(async (name) => {
    const [[row]] = (await bigquery.query({
      query: `SELECT COUNT(*) AS n FROM \`${outputs.tables[name]}\` WHERE pipeline_id = @pipeline`,
      params: { pipeline: pipelineId },
      location: outputs.region,
    })) as unknown as [[{ n: number }]];
    return [name, Number(row.n)];
  });
  return Promise.all(counts);
}

/** One row per measure of the model: its own test split, and the mean and standard deviation over all splits. */
function metricRows(metrics: Readonly<Record<string, number>>): string[][] {
  const shown = (name: string) => metrics[name]?.toFixed(4) ?? "";
  return Object.keys(metrics)
    .filter((name) => !/_(mean|stddev|rows)$|_actual_/.test(name))
    .map((name) => [
      name.replace(/^test_/, ""),
      shown(name),
      shown(`${name}_mean`),
      shown(`${name}_stddev`),
      PUBLISHED_METRICS[name]?.toFixed(4) ?? "",
    ]);
}

/** What became of those who stayed and of those who left, in the order of the labels. */
function confusionRows(metrics: Readonly<Record<string, number>>): (string | number)[][] {
  const cell = (actual: string, predicted: string) => metrics[`test_actual_${actual}_predicted_${predicted}`] ?? 0;
  return [
    ["no", "stayed"],
    ["yes", "left"],
  ].map(([label, word]) => [word!, cell(label!, "no"), cell(label!, "yes")]);
}

async function readMetrics(
  bigquery: BigQuery,
  outputs: StackOutputs,
  pipelineId: string,
  version: string,
): Promise<Record<string, number>> {
  const [rows] = (await bigquery.query({
    query: `SELECT metric_nm, metric_value FROM \`${outputs.tables.model_metrics}\` WHERE pipeline_id = @pipeline AND @version IN ('', model_version) ORDER BY metric_nm`,
    params: { pipeline: pipelineId, version },
    location: outputs.region,
  })) as unknown as [{ metric_nm: string; metric_value: number }[]];
  return Object.fromEntries(rows.map(({ metric_nm, metric_value }) => [metric_nm, Number(metric_value)]));
}

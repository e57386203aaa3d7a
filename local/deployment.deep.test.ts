/** A training with `sparklab:deployModels`, whole: who beats the champion takes the endpoint over and answers there. */
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "@jest/globals";
import { withTemporaryLab } from "./bench/temporary-lab";
import { readTools } from "./engines/tools";

const root = join(__dirname, "..");
const CLIENT = join(root, "local", "cloud", "services", "aiplatform", "clients", "deployment.py");
const TESTDATA = join(root, "functions", "scoring-api", "testdata");
const SETTINGS = ["-c", "deployModels=true", "-c", "tuningSearch=none"];

test("the endpoint, the registry and the scoring API go over to a run's new champion; the one before is undeployed", async () => {
  await withTemporaryLab(async ({ sparklab }) => {
    const { output } = await sparklab("up", "--yes", "--json", ...SETTINGS);
    const { pipelineParameters } = (JSON.parse(output) as { outputs: { pipelineParameters: object } }).outputs;
    const client = async (when: "before" | "after", file: string) => {
      const words = [CLIENT, when, JSON.stringify(pipelineParameters), join(TESTDATA, file)];
      return (await sparklab("exec", "--", readTools().python.pipelines, ...words)).output;
    };
    await client("before", "bundle.json");
    const trained = stripVTControlCharacters((await sparklab("train", "--scoring", "none")).output);
    const [, champion] = /(\S+) is champion\. .*golden/.exec(trained)!;
    // The scoring API is asked until the run's champion answers.
    expect(trained).toContain(`"model_version":"${champion}"`);
    expect(await client("after", "predictions.jsonl")).toContain(`champion ${champion}`);
  });
}, 900_000);

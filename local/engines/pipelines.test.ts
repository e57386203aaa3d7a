/** Which containers can be run, and why others cannot. */
import { expect, test } from "@jest/globals";
import { createPipelineEngine } from "./pipelines";
import { readTools } from "./tools";

const tools = readTools();
const { problems } = createPipelineEngine(tools);
const COMPONENTS = "gcr.io/ml-pipeline/google-cloud-pipeline-components:2.22.0";
const step = (install = "") => ({
  image: "python:3.11",
  command: [
    "sh",
    "-c",
    `python3 -m pip install --quiet ${install} && "$0" "$@"`,
    "python3 -m kfp.dsl.executor_main",
    "source",
  ],
  args: ["--executor_input", "{{$}}", "--function_to_execute", "f"],
});

test("runs Python steps whose packages are there, in the version that they ask for", () => {
  expect(problems(step("'kfp==2.17.0' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'"))).toEqual([]);
  expect(problems(step("'google_cloud.storage' 'requests==2.0.0' 'polars'"))).toEqual([
    expect.stringMatching(
      /^package requests==2\.0\.0: got 2\.\d+\.\d+ in the pipelines' environment; steps install nothing here\.$/,
    ),
    "package polars: got none in the pipelines' environment; steps install nothing here.",
  ]);
});

test("runs launchers of Google's components and nothing else of their image", () => {
  const module = "google_cloud_pipeline_components.container.v1.dataproc.create_pyspark_batch.launcher";
  expect(problems({ image: COMPONENTS, command: ["python3", "-u", "-m", module], args: [] })).toEqual([]);
  expect(problems({ image: COMPONENTS, command: ["python3", "-m", "os"], args: [] })).toEqual([
    `image ${COMPONENTS}: got command 'python3 -m os'; expected python3 -m google_cloud_pipeline_components.container...`,
  ]);
});

test("refuses other images by their name", () => {
  expect(problems({ image: "alpine:3.20", command: ["echo"], args: ["hello"] })).toEqual([
    "image alpine:3.20 is not run here; expected a Python component of kfp or a Google Cloud pipeline component.",
  ]);
});

test("says that the environment is still being prepared", () => {
  const early = createPipelineEngine({ ...tools, python: { ...tools.python, pipelines: "/nowhere/python" } });
  expect(early.problems(step())).toEqual([
    expect.stringMatching(/\/nowhere\/python is not there yet\. Run `npm start`/),
  ]);
});

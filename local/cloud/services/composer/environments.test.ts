/** What a Composer environment may ask for. */
import { expect, test } from "@jest/globals";
import { testCloud } from "../../testing";
import { iam } from "../iam";
import { storage } from "../storage";
import { composer } from ".";

const ENVIRONMENTS = "https://composer.googleapis.com/v1/projects/sparklab-local/locations/us-central1/environments";

test("Settings that the service keeps to itself are refused, all at once", async () => {
  const lone = await testCloud({ services: [iam, storage, composer] });
  const airflowConfigOverrides = { "core-executor": "x", parallelism: "4", "core-parallelism": "4" };
  const refusal = await lone.refusal(`POST ${ENVIRONMENTS}`, {
    name: "projects/sparklab-local/locations/us-central1/environments/airflow",
    config: {
      softwareConfig: { imageVersion: "composer-3-airflow-3", airflowConfigOverrides },
      nodeConfig: { serviceAccount: "composer@sparklab-local.iam.gserviceaccount.com" },
    },
    storageConfig: { bucket: "dags-bucket" },
  });
  const violations = JSON.stringify(refusal.details);
  expect(violations).toContain("Got 'core-executor'; it is set by the service");
  expect(violations).toContain("Got 'parallelism'; expected section-name");
  expect(violations).not.toContain("core-parallelism'");
  await lone.close();
});

/** What the local lab only records is said: no type can be deployed that is in neither table. */
import { expect, test } from "@jest/globals";
import { DESCRIPTORS } from "../local/deploy/gcp/descriptors";
import { AT_WORK, RECORDED_ONLY, recordedOnly } from "./recorded";

test("each type that can be deployed here either has its work behind it or says what is missing", () => {
  const deployable = DESCRIPTORS.map(({ type }) => type).sort();
  expect([...Object.keys(AT_WORK), ...Object.keys(RECORDED_ONLY)].sort()).toEqual(deployable);
});

test("of what is deployed, the types that are only recorded are named", () => {
  const workbench = "gcp:workbench/instance:Instance";
  expect(recordedOnly([workbench, "gcp:storage/bucket:Bucket"])).toEqual({ [workbench]: RECORDED_ONLY[workbench] });
});

/** What is no bundle is refused before anything is predicted with it. */
import type { Bundle } from "./bundle";
import { parseBundle } from "./bundle";
import { DocumentError } from "./document";
import { parseSettings } from "./settings";
import { bundleText } from "./testing";

describe("parseBundle", () => {
  it("reads what churn_export writes", () => expect(parseBundle(bundleText(), "here").trees).toHaveLength(20));

  it.each<[string, (bundle: Bundle) => void, string]>([
    [
      "another version",
      (bundle) => Object.assign(bundle, { format_version: 2 }),
      "/format_version: must be equal to constant",
    ],
    ["a missing part", (bundle) => Reflect.deleteProperty(bundle, "trees"), "must have required property 'trees'"],
    ["an unknown part", (bundle) => Object.assign(bundle, { extra: 1 }), "must NOT have additional properties"],
    [
      "a slot that is left out",
      (bundle) => (bundle.inputs[1]!.slot = 2),
      "/inputs/total_charges: got slot 2; expected 1",
    ],
    ["another length of the vector", (bundle) => (bundle.slots = 40), "/slots: got 40; expected 39"],
    [
      "a child before its parent",
      (bundle) => (bundle.trees[3]!.left[0] = 0),
      "/trees/3: node 0 points outside the tree or the vector",
    ],
    ["a child outside the tree", (bundle) => (bundle.trees[3]!.right[0] = 9999), "/trees/3: node 0 points outside"],
    ["a feature outside the vector", (bundle) => (bundle.trees[0]!.feature[0] = 39), "/trees/0: node 0 points outside"],
    [
      "lists of different lengths",
      (bundle) => bundle.trees[1]!.counts.pop(),
      "/trees/1: got lists of different lengths",
    ],
    [
      "a leaf that nobody reached",
      (bundle) => (bundle.trees[2]!.counts[bundle.trees[2]!.feature.indexOf(-1)] = [0, 0]),
      "has no counts",
    ],
  ])("refuses %s", (_, change, message) => {
    expect(() => parseBundle(bundleText(change), "here")).toThrow(DocumentError);
    expect(() => parseBundle(bundleText(change), "here")).toThrow(message);
  });

  it("lists the first problems and how many more there are", () => {
    const text = bundleText((bundle) => bundle.trees.forEach((tree) => tree.counts.pop()));
    expect(() => parseBundle(text, "gs://b/bundle.json")).toThrow(
      /^model bundle gs:\/\/b\/bundle\.json: got .*\n(.*different lengths\n){8} {2}and 12 more$/,
    );
  });
});

describe("parseSettings", () => {
  it("reads Vertex AI's variables", () => {
    const vertex = {
      AIP_HTTP_PORT: "9000",
      AIP_PREDICT_ROUTE: "/p",
      AIP_HEALTH_ROUTE: "/h",
      AIP_STORAGE_URI: "gs://bucket/folder",
    };
    expect(parseSettings(vertex)).toEqual({
      port: 9000,
      host: "0.0.0.0",
      predictRoute: "/p",
      healthRoute: "/h",
      storageUri: "gs://bucket/folder",
      refreshSeconds: 10,
    });
  });

  it("reads Cloud Run's port and the champion to follow", () => {
    expect(parseSettings({ PORT: "8081", CHAMPION_URI: "gs://b1/churn/champion.json" })).toMatchObject({
      port: 8081,
      predictRoute: "/v1/predict",
      healthRoute: "/healthz",
      championUri: "gs://b1/churn/champion.json",
    });
  });

  it.each([
    ["neither", {}],
    ["both", { AIP_STORAGE_URI: "gs://b1/m", CHAMPION_URI: "gs://b1/c.json" }],
  ])("wants one model, a fixed one or the champion; %s is refused", (got, environment) => {
    expect(() => parseSettings(environment)).toThrow(
      `AIP_STORAGE_URI, CHAMPION_URI: got ${got}; expected the gs://bucket/folder that holds bundle.json, or the gs://bucket/object that names the champion.`,
    );
  });

  it("names every problem at once", () => {
    expect(() =>
      parseSettings({
        ...{ AIP_HTTP_PORT: "http", AIP_PREDICT_ROUTE: "predict", MODEL_REFRESH_SECONDS: "0" },
        AIP_STORAGE_URI: "bucket/folder",
      }),
    ).toThrow(
      [
        "The scoring API cannot start:",
        '  AIP_HTTP_PORT or PORT: got "http"; expected a port from 0 to 65535.',
        '  AIP_PREDICT_ROUTE: got "predict"; expected a path such as /v1/predict.',
        '  AIP_STORAGE_URI: got "bucket/folder"; expected the gs://bucket/folder that holds bundle.json.',
        '  MODEL_REFRESH_SECONDS: got "0"; expected seconds between two looks at the champion, up to 3600.',
      ].join("\n"),
    );
  });
});

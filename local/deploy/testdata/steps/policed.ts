/** Programs that policy packs look at. */
import { File, Files } from "./file";

type Program = () => Record<string, unknown> | void;

export const POLICED: Record<string, { before: Program; after: Program }> = {
  policyAdvises: {
    before: () => void new File("plain", { name: "plain" }),
    after: () => undefined,
  },
  policySees: {
    before: () => {
      const provider = new Files("own", { mark: "1" });
      const first = new File("first", { name: "first", tags: { seen: "1", __own: "2" } }, { provider });
      const options = { provider, protect: true, ignoreChanges: ["content"], customTimeouts: { create: "1m" } };
      new File("second", { name: "second", content: first.path }, options);
    },
    after: () => undefined,
  },
  policyForbidsLate: {
    before: () => {
      const first = new File("secretive", { name: "secretive", tags: {} });
      new File("holds", { name: "holds", content: first.path, tags: {} });
    },
    after: () => undefined,
  },
  policyForbidsOne: {
    before: () => {
      const fine = new File("fine", { name: "fine", tags: {} });
      new File("forbidden", { name: "forbidden", content: "secretive", tags: {} }, { dependsOn: fine });
    },
    after: () => undefined,
  },
  policyForbids: {
    before: () => {
      new File("one", { name: "one", content: "secretive", tags: {} });
      new File("two", { name: "two", tags: {} });
      new File("three", { name: "three", tags: {} });
    },
    after: () => undefined,
  },
};

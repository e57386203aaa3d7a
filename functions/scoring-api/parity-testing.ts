/** For tests: how far a model is from what Spark predicted (pyspark/tests/spark_predictions.py writes both). */
import type { Model } from "./model";

interface Line {
  instance: Record<string, unknown>;
  probability: number;
}

/** Absolute difference for each line of `predictions.jsonl`. */
export function differences(model: Model, lines: string): number[] {
  const expected = lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const answer = model.predict(expected.map(({ instance }) => instance));
  if (!("predictions" in answer))
    throw new Error(`${answer.total} problems, the first: ${JSON.stringify(answer.problems[0])}`);
  return answer.predictions.map(({ probability }, index) => Math.abs(probability - expected[index]!.probability));
}

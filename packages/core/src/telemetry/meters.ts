import { type Attributes, createNoopMeter, type Meter, metrics } from '@opentelemetry/api';
import type { ModelRef } from '../model/model-spec.ts';
import { attribute, type MetricDescription, type MetricName, SCOPE, telemetryNames } from './names.ts';

type Instrument = (value: number, attributes: Attributes) => void;

interface Instruments {
  readonly meter: Meter;
  readonly byName: ReadonlyMap<MetricName, Instrument>;
}

const silent: Instruments = { meter: createNoopMeter(), byName: new Map() };
let last: { readonly provider: object; readonly instruments: Instruments } | undefined;

/**
 * The instruments of the provider that is registered now. The API hands out instruments that stay silent for
 * ever to whoever asks before an SDK was started, so they are made anew when it is.
 */
function instruments(): Instruments {
  const provider = metrics.getMeterProvider();
  if (last?.provider !== provider) {
    const meter = provider.getMeter(SCOPE);
    const isHeard = meter !== silent.meter;
    last = { provider, instruments: isHeard ? { meter, byName: instrumentsOf(meter) } : silent };
  }
  return last.instruments;
}

function instrumentsOf(meter: Meter): ReadonlyMap<MetricName, Instrument> {
  const entries = Object.entries<MetricDescription>(telemetryNames.metrics);
  return new Map(
    entries.map(([name, { kind, unit, description, buckets }]) => {
      if (kind === 'counter') {
        const counter = meter.createCounter(name, { unit, description });
        return [name as MetricName, (value, attributes) => counter.add(value, attributes)];
      }
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      const histogram = meter.createHistogram(name, { unit, description, advice });
      return [name as MetricName, (value, attributes) => histogram.record(value, attributes)];
    }),
  );
}

/** Whether an SDK listens: what costs something to find out is found out only then. */
export function isMeasured(): boolean {
  return instruments() !== silent;
}

/** Adds to a counter, or records in a histogram; does nothing where no SDK listens. */
export function measure(name: MetricName, value: number, model: ModelRef, more: Attributes = {}): void {
  const record = instruments().byName.get(name);
  if (record === undefined) return;
  const { modelId, version } = model;
  record(value, { [attribute.modelId]: modelId, [attribute.modelVersion]: version, ...more });
}

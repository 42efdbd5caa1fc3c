import { z } from 'zod'
import { type ConfigFile, loadSourcesConfig, sourceSections } from '../sources/config.js'
import { labelModelSchema } from './models/settings.js'

export const schema = z.strictObject({
  ...sourceSections,
  /** How votes are weighed, for `ner weak fit`. */
  label_model: labelModelSchema.prefault({}),
})

export type WeakConfig = z.output<typeof schema>

/**
 * Reads the functions, and how their votes are weighed, of a YAML file. Paths are relative to the file.
 *
 * @throws NerError as `loadSourcesConfig`
 */
export const loadWeakConfig = (file: string): ConfigFile<WeakConfig> =>
  loadSourcesConfig(file, schema, { label_model: labelModelSchema })

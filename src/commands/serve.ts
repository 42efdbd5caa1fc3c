import { loadServeSettings } from '../serve/load.js'
import { serve, stopAsked } from '../serve/server.js'
import { defineCommand, exit } from './command.js'
import { tell } from '../terminal.js'

export const command = defineCommand({
  positionals: {
    model: {
      type: 'string',
      describe: 'A model folder of ner train or ner quantize; its key in --config where absent',
    },
  },
  options: {
    config: { type: 'string', describe: 'A YAML file of settings; configs/serve.yaml explains every key' },
    host: { type: 'string', describe: 'The address to listen on; 127.0.0.1 by default' },
    port: { type: 'number', describe: 'The port to listen on, 0 for any free one; 8080 by default' },
  },
  examples: [
    ['ner serve runs/ner-int8', 'http://127.0.0.1:8080, with a page to try it'],
    ['ner serve --config serve.yaml --host 0.0.0.0', 'settings from a file, open to the network'],
  ],
  async run({ model, config, host, port }) {
    const token = process.env['NER_SERVE_TOKEN']
    const settings = loadServeSettings(config, { model, host, port, token: token === '' ? undefined : token })
    const stopped = stopAsked()
    const server = await serve(settings)
    tell(`serving ${settings.model}, version ${server.version}, at ${server.address}\n`)
    await stopped
    tell('stopping: what was accepted is answered\n')
    await server.close()
    return exit.done
  },
})

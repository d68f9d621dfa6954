import { InvalidArgumentError } from '#errors/errors.ts'
import type { NetworkBackend } from '../backends.ts'
import { bodyObject } from '../http/parameters.ts'
import type { Handler, Router } from '../http/router.ts'
import {
  readNetworkConnect,
  readNetworkCreate,
  readNetworkDisconnect,
  shapeNetwork,
  shapeNetworkSummary,
} from '../shapes/network.ts'

/** Networks. */
export function addNetworkRoutes(router: Router, networks: NetworkBackend): void {
  const list: Handler = async (request, response) => {
    const found = await networks.list(request.filters(), { brief: request.version >= 28 })
    response.json(
      200,
      found.map((network) => shapeNetworkSummary(network, request.version)),
    )
  }
  router
    .add('GET', '/networks', list)
    .add('GET', '/networks/', list)
    .add('POST', '/networks/create', async (request, response) => {
      const create = readNetworkCreate(await bodyObject(request), request.version)
      response.json(201, await networks.create(create))
    })
    .add('POST', '/networks/prune', async (request, response) => {
      response.json(200, await networks.prune(request.filters()))
    })
    .add('GET', '/networks/:id*', async (request, response) => {
      const scope = request.query.text('scope')
      const verbose = request.query.text('verbose')
      if (verbose !== '' && !/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(verbose)) {
        throw new InvalidArgumentError(`invalid value for verbose: ${verbose}`)
      }
      const isVerbose = request.query.boolean('verbose')
      const found = await networks.inspect(request.param('id'), { verbose: isVerbose, scope })
      response.json(200, shapeNetwork(found, request.version))
    })
    .add('DELETE', '/networks/:id*', async (request, response) => {
      await networks.remove(request.param('id'))
      response.empty(204)
    })
    .add('POST', '/networks/:id*/connect', async (request, response) => {
      await networks.connect(
        request.param('id'),
        readNetworkConnect(await bodyObject(request), request.version),
      )
      response.empty(200)
    })
    .add('POST', '/networks/:id*/disconnect', async (request, response) => {
      await networks.disconnect(request.param('id'), readNetworkDisconnect(await bodyObject(request)))
      response.empty(200)
    })
}

"use strict";var import_node_fs2=require("node:fs");var opened;function nodeModule(){return opened??=require("node:module")}var PLAIN=/^\/[\w/.@-]*$/;function urlOf(path){return PLAIN.test(path)?`file://${path}`:require("node:url").pathToFileURL(path).href}function pathOf(url){let path=url.
slice(7);return PLAIN.test(path)?path:require("node:url").fileURLToPath(url)}var import_node_fs=require("node:fs"),ESTABLISHED="01",DEFAULT_PORT=50051;function isConnected(address){let port=Number(/:(\d+)\/?$/.exec(address??"")?.[1]??DEFAULT_PORT);
try{let inodes=new Set([...socketsTo(port,"/proc/self/net/tcp"),...socketsTo(port,"/proc/self/net/tcp6")]);return inodes.size>0&&(0,import_node_fs.readdirSync)(
"/proc/self/fd").some(fd=>inodes.has(socketOf(fd)))}catch{return!1}}function socketsTo(port,table){let text2;try{text2=(0,import_node_fs.readFileSync)(table,"ut\
f8")}catch{return[]}return text2.split(`
`).slice(1).map(line=>line.trim().split(/\s+/)).filter(([,,remote,state])=>state===ESTABLISHED&&parseInt(remote?.split(":")[1]??"",16)===port).map(row=>row[9]??
"")}function socketOf(fd){try{return/^socket:\[(\d+)\]$/.exec((0,import_node_fs.readlinkSync)(`/proc/self/fd/${fd}`))?.[1]??""}catch{return""}}var BRAND=Symbol.for("fulcrum.domain"),INSTANCES=Symbol.for("fulcrum.domain.instances"),SETTLE_TIMEOUT_MS=2e3,POLL_INTERVAL_MS=100,DEFER_MS=200;function autoStart(entry,starts,imports=!1){
let inspect=()=>{if(imports)return importMain(entry);let main=process.mainModule;main?.loaded?start(main.exports,entry):(main===void 0||preloadsModules())&&importMain(
entry)};starts?setTimeout(inspect,DEFER_MS):setImmediate(inspect)}function importMain(entry){let url;try{url=urlOf((0,import_node_fs2.realpathSync)(entry))}catch{
return}import(url).then(exports2=>start(exports2,entry),()=>{})}function preloadsModules(){let flags=[...process.execArgv,process.env.NODE_OPTIONS??""].join(" ");
return/(^|\s)--(import|(experimental-)?loader)\b/.test(flags)}async function start(exports2,entry){let exported=defaultOf(exports2);try{isStoppedSdkInstance(exported)?
await exported.start():isDomainClass(exported)&&!await isSelfStarting(exported,entry)&&await new exported().start()}catch(error){let text2=error instanceof Error?
error.stack??error.message:String(error);process.stderr.write(`fulcrum: the domain failed to start: ${text2}
`),process.exit(1)}}function defaultOf(exports2){let value=exports2;for(let depth=0;depth<2&&!(typeof value!="object"||value===null||!("default"in value));depth++)
value=value.default;return value}function isDomainClass(value){return typeof value=="function"&&typeof value.prototype?.start=="function"}function isStoppedSdkInstance(value){
return typeof value=="object"&&value!==null&&BRAND in value}async function isSelfStarting(exported,entry){if(isConstructed(exported))return!0;if(!mentionsConstruction(
entry,exported.name))return!1;for(let waited=0;waited<SETTLE_TIMEOUT_MS;waited+=POLL_INTERVAL_MS)if(await new Promise(resolve=>setTimeout(resolve,POLL_INTERVAL_MS)),
isConstructed(exported)||isConnected(process.env.FULCRUM_GRPC_SERVER))return!0;return!1}function isConstructed(exported){return BRAND in exported.prototype?[...globalThis[INSTANCES]??
[]].some(instance=>instance instanceof exported):hasInstances(exported)}function hasInstances(exported){let{queryObjects}=require("node:v8");if(!queryObjects)return!1;
let{emitWarning}=process;process.emitWarning=()=>{};try{return queryObjects(exported,{format:"count"})>0}finally{process.emitWarning=emitWarning}}function mentionsConstruction(entry,name){
if(!/^[\w$]+$/.test(name))return!1;try{let text2=(0,import_node_fs2.readFileSync)(entry,"utf8");if(!/\bnew\s/.test(text2))return!1;let code=text2.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm,
"$1");return new RegExp(`\\bnew\\s+${name.replaceAll("$","\\$")}(?![\\w$])`).test(code)}catch{return!1}}var FLUSH_DELAY_MS=2e3;function flushCompileCacheLater(){process.env.NODE_COMPILE_CACHE&&setTimeout(()=>nodeModule().flushCompileCache?.(),FLUSH_DELAY_MS).unref()}function chooseInspectorPort(){[...process.execArgv,...(process.env.NODE_OPTIONS??"").split(/\s+/)].some(flag=>flag.startsWith("--inspect")||flag.startsWith("--\
debug-port"))||(process.debugPort=1e4+process.pid%1e4)}var INTERNALS_FLAG="--expose-internals";var DATA_KEY="fulcrum.bootstrap";function addedPreload(){return["-r",`${__dirname}/bootstrap.cjs`]}function hideAddedPreload(){let[flag,file]=addedPreload(),at=process.
execArgv.findIndex((word,index)=>word===flag&&process.execArgv[index+1]===file);at>=0&&process.execArgv.splice(at,2)}function inheritedConfig(){let data=require("node:worker_threads").
getEnvironmentData(DATA_KEY);return typeof data=="string"?data:void 0}function withoutOwnFrames(error){return error instanceof Error&&typeof error.stack=="string"&&error.stack.includes(`${__dirname}/`)&&(error.stack=error.stack.split(
`
`).filter(line=>!isOwn(line)).join(`
`)),error}function isOwn(line){return line.includes(`${__dirname}/bootstrap.cjs`)||line.includes(`${__dirname}/loader.cjs`)}var flagged=!1,unlocked=!1,opened2;function hideInternalsFlag(){let at=process.execArgv.indexOf(INTERNALS_FLAG);at<0||(flagged=!0,process.execArgv.splice(at,1))}
function cascadedLoader(hidden=!1,alongside){if(opened2)return opened2;if(hideInternalsFlag(),!(!flagged&&!hidden)){try{opened2=require("internal/modules/esm/loader").
getOrInitializeCascadedLoader(),alongside?.()}catch{}return hideInternals(opened2),opened2}}function hasInternals(){return opened2!==void 0}function internalModule(id){
if(opened2){unlocked=!0;try{return require(id)}catch{return}finally{unlocked=!1}}}function hideInternals(loader2){let open=nodeModule(),internal=id=>String(id).
startsWith("internal/");open.builtinModules=Object.freeze(open.builtinModules.filter(id=>!internal(id)));let{isBuiltin}=open;if(open.isBuiltin=id=>!internal(id)&&
isBuiltin(id),wrapResolve((resolve,request,rest)=>{if(unlocked||!internal(request))return resolve();let found=open._findPath(request,rest[0]?.paths??[]);if(found)
return found;throw Object.assign(new Error(`Cannot find module '${request}'`),{code:"MODULE_NOT_FOUND"})}),!!loader2)for(let name of["resolve","resolveSync"]){let resolve=loader2[name];
typeof resolve=="function"&&(loader2[name]=function(specifier,parentURL,...rest){if(!internal(specifier)||typeof parentURL!="string"||!parentURL.startsWith("fil\
e:"))return resolve.call(this,specifier,parentURL,...rest);let path=open.createRequire(parentURL).resolve(specifier);return resolve.call(this,urlOf(path),parentURL,
...rest)})}}function wrapResolve(replacement){let open=nodeModule(),native=open._resolveFilename;open._resolveFilename=function(request,...rest){try{return replacement(
()=>native.call(this,request,...rest),request,rest)}catch(error){throw withoutOwnFrames(error)}}}var FIRST_MS=200,GATHER_MS=50;function reportModules({entry,file,origin,inputs,noteSpecifier}){let loader2=cascadedLoader(origin==="deferred"),pending=new Set(entry===
void 0?[]:[entry]),reported=new Set,timer,report=()=>{timer=void 0;let fresh=[...new Set([...pending,...Object.keys(require.cache),...inputs()].map(fileOf))].filter(
path=>path!==void 0&&isOfApp(path)&&!reported.has(path));if(pending.clear(),fresh.length!==0){try{let{writeFileSync}=require("node:fs");writeFileSync(file,`${fresh.
join(`
`)}
`,{flag:reported.size===0&&origin!=="child"?"w":"a"})}catch{}for(let path of fresh)reported.add(path)}},addModule=name=>{noteSpecifier(name),pending.add(name),reported.
size>0&&(timer??=setTimeout(report,GATHER_MS).unref())};wrapResolve(resolve=>{let path=resolve();return addModule(path),path}),nodeModule().registerHooks?.({resolve(specifier,context,next){
noteSpecifier(specifier);let found=next(specifier,context);return addModule(found.url),found}});let cache=loader2?.loadCache;if(cache){for(let url of cache.keys())
addModule(url);let{set}=cache;cache.set=function(url,...rest){return addModule(url),set.call(this,url,...rest)}}return process.on("exit",report),setTimeout(report,
origin==="deferred"?0:FIRST_MS).unref(),report}function fileOf(name){return name.startsWith("/")?name:name.startsWith("file:")?pathOf(name.replace(/[?#].*$/,"")):
void 0}function isOfApp(path){return!path.includes("/node_modules/")&&!path.includes(`
`)&&!path.startsWith(`${__dirname}/`)}function blockOnPipes(){for(let name of["stdout","stderr"]){let native=Object.getOwnPropertyDescriptor(process,name),get=native?.get;!native?.configurable||!get||
Object.defineProperty(process,name,{...native,get(){Object.defineProperty(process,name,native);let stream=get.call(process);return stream._type==="pipe"&&stream.
_handle?.setBlocking?.(!0),stream}})}}function readConfig(text2){if(!text2)return;let value;try{value=JSON.parse(text2)}catch{return}if(typeof value!="object"||value===null||value.v!==2)return;let{parent,
entry,starts,ts,sdk,later:deferred,modules,spare:standby,hidden}=value;if(!(typeof parent!="number"||typeof entry!="string"))return{parent,entry,starts:starts===
!0,ts:readTypeScript(ts),sdk:textOrNull(sdk),deferred:textOrNull(deferred),modules:textOrNull(modules),standby:readStandby(standby),hidden:hidden===!0}}function textOrNull(value){
return typeof value=="string"?value:null}function readStandby(value){if(typeof value!="object"||value===null)return null;let{required,imported}=value;return{required:textOrNull(
required),imported:textOrNull(imported)}}function readTypeScript(value){if(typeof value!="object"||value===null)return null;let{manifest,helper,commonjs,maps}=value;
return typeof manifest!="string"||!Array.isArray(helper)||!helper.every(part=>typeof part=="string")?null:{manifest,helper,commonjs:commonjs===!0,maps:maps===!0}}
function isDomainProcess(config2){return process.ppid===config2.parent&&process.argv[1]===config2.entry&&!isWorker()}function isDomainWorker(config2){return process.
ppid===config2.parent&&isWorker()}function isWorker(){return"disabled"in process.abort}var NAMES=new Set(["@fulcrum/domain","fulcrum"]);function isSdk(specifier){return NAMES.has(specifier)}function isMissing(error){let{code}=error;return code==="\
ERR_MODULE_NOT_FOUND"||code==="MODULE_NOT_FOUND"}function requiredFile(dir){return`${dir}/dist/index.cjs`}function importedUrl(dir){return urlOf(`${dir}/dist/in\
dex.mjs`)}function provideSdk(dir){let open=nodeModule(),resolveFilename=open._resolveFilename;return open._resolveFilename=function(request,...rest){try{return resolveFilename.
call(this,request,...rest)}catch(error){if(!isSdk(request)||!isMissing(error))throw error;return requiredFile(dir)}},open.registerHooks?(open.registerHooks({resolve(specifier,context,next){
try{return next(specifier,context)}catch(error){if(!isSdk(specifier)||!isMissing(error))throw error;return{url:importedUrl(dir),format:"module",shortCircuit:!0}}}}),
!1):!0}var PREPARE_TRANSPORT=Symbol.for("fulcrum.domain.warm"),WARM_CONNECTION_TTL_MS=1e4,MAX_TESTED_MAJOR=26;function canStandBy(){return parseInt(process.versions.node,
10)<=MAX_TESTED_MAJOR&&typeof nodeModule().runMain=="function"}function standBy(config2,start2){let open=nodeModule(),{runMain}=open;open.runMain=function(...args){
open.runMain=runMain;let prepared=warmUp(config2);awaitActivation(({env,cwd})=>{Object.assign(process.env,env),process.chdir(cwd),resetUptime(),setImmediate(runMain,
...args),start2(),setTimeout(()=>{prepared.then(discard=>discard?.())},WARM_CONNECTION_TTL_MS).unref()})}}async function warmUp({required,imported}){try{let sdk;
required!==null&&(sdk=require(required)),imported!==null&&(sdk=await import(imported));let prepare=sdk?.DomainBase?.[PREPARE_TRANSPORT];return typeof prepare=="\
function"?prepare():void 0}catch{return}}function awaitActivation(activate){let{openSync}=require("node:fs"),{Socket}=require("node:net"),channel=new Socket({fd:openSync(
"/proc/self/fd/0","r"),readable:!0,writable:!1}),text2="";channel.setEncoding("utf8"),channel.on("data",chunk=>{text2+=chunk,text2.endsWith(`
`)&&(channel.removeAllListeners("end"),channel.destroy(),activate(JSON.parse(text2)))}),channel.on("end",()=>process.exit(0)),channel.on("error",()=>process.exit(
0))}function resetUptime(){let native=process.uptime,waited=native();process.uptime=function(){return native()-waited}}var text=process.env.FULCRUM_BOOTSTRAP??(isWorker()?inheritedConfig():void 0),config=readConfig(text);text!==void 0&&config&&applyConfig(config,text);function applyConfig(config2,text2){
config2.hidden&&delete process.env.FULCRUM_BOOTSTRAP,config2.standby&&!isDomainWorker(config2)&&!(isDomainProcess(config2)&&canStandBy())&&process.exit(0);let support=hookLoaders(
config2);isDomainProcess(config2)?config2.standby?(config2.modules!==null&&cascadedLoader(),standBy(config2.standby,()=>{let current=readConfig(process.env.FULCRUM_BOOTSTRAP)??
config2;current.deferred!==null&&hidePreload(),current.ts&&support?.files.reconfigure(current.ts),blockOnPipes(),setUpProcess(current,text2,support,"main")})):(config2.
deferred===null&&blockOnPipes(),setUpProcess(config2,text2,support,config2.deferred===null?"main":"deferred")):(config2.deferred!==null&&hidePreload(),hideAddedPreload(),
cascadedLoader(),followChildren(config2,text2,support,"child"))}function hookLoaders({ts,sdk,modules}){let support=ts===null?void 0:loader().hookTypeScript(ts),
sdkNeedsThread=sdk!==null&&provideSdk(sdk);if(support?.needsThread||sdkNeedsThread){let data={ts:support?.needsThread?ts:null,sdk:sdk&&sdkNeedsThread?importedUrl(
sdk):null,modules};nodeModule().register(urlOf(`${__dirname}/hooks.mjs`),{data})}return support}function setUpProcess(config2,text2,support,origin){chooseInspectorPort(),
autoStart(config2.entry,config2.starts&&origin!=="deferred"),followChildren(config2,text2,support,origin),flushCompileCacheLater()}function followChildren({modules,
ts,entry},text2,support,origin){if(support?.prepare(),modules===null&&ts===null)return;let{hookChildren,noteSpecifier,reportOwnWrites}=loader(),report=modules===
null?void 0:reportModules({entry:origin==="child"?process.argv[1]:entry,file:modules,origin,inputs:()=>support?.files.openTable?.inputs()??[],noteSpecifier});modules!==
null&&reportOwnWrites(`${modules}.written`,origin!=="child"),hookChildren({config:text2,preloaded:origin!=="deferred",starting:()=>report?.(),entry:path=>support?.
resolver.entry(path,entry)??path})}var opened3;function loader(){return opened3||(opened3=require("./loader.cjs"),opened3.setHost({cascadedLoader,hasInternals,internalModule,
wrapResolve}),opened3)}function hidePreload(){let at=process.execArgv.findIndex((word,index)=>word==="--require"&&process.execArgv[index+1]===__filename);at>=0&&
process.execArgv.splice(at,2)}

#:sdk Microsoft.NET.Sdk.Web
#:project ../src/StreamingCnn.Training/StreamingCnn.Training.csproj

// A service around a trained model of whole images: it answers an uploaded file with its prediction, or with a picture of what that hangs on.
//
//     dotnet run -c Release examples/serve.cs -- --run runs/first --urls http://localhost:5000
//     curl --data-binary @image.tif http://localhost:5000/predict
//     curl --data-binary @image.tif http://localhost:5000/overlay -o overlay.png
//
// One prediction runs at a time and uses all processors; --queue (16) more may wait, and whoever comes then is asked to come again later (503, Retry-After). Uploads of more than --largest bytes
// (1 GiB) are refused (413), and what is no image is, too (422). They lie in the folder --uploads while they are needed; what a service that was killed left there goes at the next start.
// Ctrl+C or SIGTERM: no more requests are taken, those that are there are answered. examples/serve-under-load.cs tries all of this.

using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;

const string Busy = "More images wait than this service takes; come again later.";

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration;
var waiting = settings.GetValue("queue", 16);
var folder = settings["uploads"] ?? Path.Combine(Path.GetTempPath(), "streamingcnn-serve");
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = settings.GetValue("largest", 1L << 30));
builder.Logging.SetMinimumLevel(LogLevel.Warning);

// Two services do not share a folder, so all that lies in it is left over.
using var ours = FolderLock.Take(folder);
var uploads = Path.Combine(folder, "files");
if (Directory.Exists(uploads))
    Directory.Delete(uploads, recursive: true);
Directory.CreateDirectory(uploads);

using var predictor = Predictor.Load(settings["run"] ?? "runs/first", new() { Streaming = new() { MemoryBudget = 2L << 30 } });
if (predictor.Description.Task is SegmentationTask)
{
    Console.Error.WriteLine($"The model in '{settings["run"]}' gives maps of classes, and this example is for models of whole images; see PredictMapAsync.");
    return 2;
}

var queue = Channel.CreateBounded<Func<Task>>(waiting);
builder.Services.AddHealthChecks().AddCheck(
    "queue", () => queue.Reader.Count < waiting ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(Busy));
var app = builder.Build();
app.MapHealthChecks("/health");

app.MapPost("/predict", (HttpRequest request, CancellationToken aborted) => Answer(request, aborted, async file =>
{
    var prediction = await predictor.PredictAsync(file, cancellation: aborted);
    return Results.Json(new { prediction.Called, prediction.Outputs, prediction.Remarks });
}));

app.MapPost("/overlay", (HttpRequest request, CancellationToken aborted) => Answer(request, aborted, async file =>
{
    var picture = file + ".png";
    try
    {
        await predictor.WriteOverlayAsync(file, picture, new SaliencyOptions { TemporaryFolder = uploads }, cancellation: aborted);
        return Results.Bytes(await File.ReadAllBytesAsync(picture, aborted), "image/png");
    }
    finally
    {
        File.Delete(picture);
    }
}));

app.Lifetime.ApplicationStarted.Register(
    () => Console.WriteLine($"Serving at {string.Join(", ", app.Urls)}, in process {Environment.ProcessId}."));
var worker = Work();
await app.RunAsync();

// The server has stopped, so nobody writes into the queue any more.
queue.Writer.Complete();
await worker;
return 0;

// Takes one request after the other out of the queue; what goes wrong is for the one who asked.
async Task Work()
{
    await foreach (var ask in queue.Reader.ReadAllAsync())
        await ask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

// Stores what is uploaded, queues, and answers. A client that goes away ends its prediction.
async Task<IResult> Answer(HttpRequest request, CancellationToken aborted, Func<string, Task<IResult>> ask)
{
    var file = Path.Combine(uploads, Path.GetRandomFileName());
    try
    {
        await using (var copy = File.Create(file))
            await request.Body.CopyToAsync(copy, aborted);
        var turn = new TaskCompletionSource<Task<IResult>>();
        if (queue.Writer.TryWrite(Begin))
            return await await turn.Task;
        request.HttpContext.Response.Headers.RetryAfter = "1";
        return Results.Problem(Busy, statusCode: StatusCodes.Status503ServiceUnavailable);

        Task Begin()
        {
            var answer = ask(file);
            turn.SetResult(answer);
            return answer;
        }
    }
    catch (PredictionException failure)
    {
        return Results.Problem(failure.Message.Replace(file, "The file"), statusCode: StatusCodes.Status422UnprocessableEntity);
    }
    catch (OperationCanceledException) when (aborted.IsCancellationRequested)
    {
        return Results.Empty;
    }
    finally
    {
        File.Delete(file);
    }
}

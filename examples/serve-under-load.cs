#:project ../src/StreamingCnn.Training/StreamingCnn.Training.csproj

// Tries the service of examples/serve.cs as an operator would before it goes into use: starts it with a small model, sends 200 images, 8 at a time, and looks at every answer and at its memory;
// then more than its queue holds; then kills it at work, starts it again, and lets it end in peace. Exit code 1 where something is not right.
//
//     dotnet run examples/serve-under-load.cs

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

const int Requests = 200, AtOnce = 8, Images = 5, Warm = 40;
const HttpStatusCode NoAnswer = 0;
const double MostGrowth = 24;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var folder = Directory.CreateTempSubdirectory("serve-under-load-").FullName;
var uploads = Path.Combine(folder, "uploads");
using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
// What is too large is refused before it is sent.
client.DefaultRequestHeaders.ExpectContinue = true;
Process? service = null;
var (processId, address) = (0, "");
try
{
    WriteRun();
    byte[][] images = [.. Enumerable.Range(0, Images).Select(i => Image(180 + (20 * i), 240 - (20 * i)))];
    var large = Image(1800, 2400);

    // 200 images, 8 at a time: all are answered, the same image always alike, and memory stays what it is.
    Start("--queue", "16", "--largest", "20000000");
    var first = await Load("/predict", images, Warm);
    var before = Resident();
    var answers = await Load("/predict", images, Requests);
    var growth = Resident() - before;
    Console.WriteLine($"{Requests} requests, {AtOnce} at a time: {Counts(answers)}; memory {before:0} MiB, then {growth:+0.0;-0.0} MiB");
    Check(answers.All(answer => answer.Status == HttpStatusCode.OK), "every request is answered where the queue is long enough");
    Check(first.Concat(answers).GroupBy(answer => answer.Image).All(group => group.Distinct().Count() == 1), "an image's answers are equal");
    Check(growth < MostGrowth, "memory is flat");

    var overlay = await Ask("/overlay", images[0]);
    Check(overlay.Status == HttpStatusCode.OK && overlay.Text.StartsWith("\uFFFDPNG"), "an overlay is a PNG");
    var (wrong, tooLarge) = (await Ask("/predict", "no image"u8.ToArray()), await Ask("/predict", new byte[20_000_001]));
    Console.WriteLine($"no image: {(int)wrong.Status}; too large: {(int)tooLarge.Status}; health: {await client.GetStringAsync(address + "/health")}");
    Check(wrong.Status == HttpStatusCode.UnprocessableEntity && wrong.Text.Contains("The file: "), "what is no image is refused with a sentence");
    Check(tooLarge.Status == HttpStatusCode.RequestEntityTooLarge, "what is too large is refused");
    Check(!Directory.EnumerateFiles(Path.Combine(uploads, "files")).Any(), "no upload is left behind");

    // Killed at work, and started again with a queue that is too short.
    var killed = Load("/predict", [large], AtOnce);
    while (!Directory.EnumerateFiles(Path.Combine(uploads, "files")).Any())
        await Task.Delay(10);
    Kill();
    Check((await killed).All(answer => answer.Status is NoAnswer or HttpStatusCode.OK), "a service that is killed answers no more");
    Check(Directory.EnumerateFiles(Path.Combine(uploads, "files")).Any(), "the killed one has left uploads behind");
    Start("--queue", "1");
    Check(!Directory.EnumerateFiles(Path.Combine(uploads, "files")).Any(), "the next one has removed them");
    var crowd = await Load("/predict", images, Requests);
    Console.WriteLine($"{Requests} requests, {AtOnce} at a time, with a queue of 1: {Counts(crowd)}");
    Check(crowd.All(answer => answer is { Status: HttpStatusCode.OK } or { Status: HttpStatusCode.ServiceUnavailable, IsToldWhen: true }),
        "every request is answered, or told to come again");
    Check(crowd.GroupBy(answer => answer.Status).Count() == 2, "there are both");
    Check(crowd.Where(answer => answer.Status == HttpStatusCode.OK).All(first.Contains), "answers are those of before it was killed");

    // Asked to end while it works: what it has begun is answered.
    var last = Ask("/predict", large);
    while (!Directory.EnumerateFiles(Path.Combine(uploads, "files")).Any())
        await Task.Delay(10);
    await Task.Delay(200);
    Process.Start("kill", ["-TERM", processId.ToString()]).WaitForExit();
    Check((await last).Status == HttpStatusCode.OK, "a service that is to end answers what it has taken");
    service!.WaitForExit();
    Check(service.ExitCode == 0, "it ends in peace");
    return 0;
}
catch (InvalidOperationException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
finally
{
    Kill();
    Directory.Delete(folder, recursive: true);
}

static void Check(bool holds, string law) => _ = holds ? true : throw new InvalidOperationException($"It does not hold that {law}.");

static string Counts(IEnumerable<Answer> answers) => string.Join(
    ", ", answers.GroupBy(answer => answer.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} x {(int)group.Key}"));

// A model with random weights, kept as training keeps one.
void WriteRun()
{
    random.manual_seed(1);
    var description = new ModelDescription
    {
        Trunk = "small",
        Task = new ClassificationTask(["normal", "tumour"]),
        Pooling = HeadPooling.Average,
        Preparation = new ImagePreparation { Channels = 3 },
    };
    using var model = description.Create();
    Directory.CreateDirectory(folder);
    WeightFile.Save(model, new RunFolder(folder).BestWeights, description.ToMetadata());
}

byte[] Image(int height, int width)
{
    using var scope = NewDisposeScope();
    using var image = new TensorImageSource((rand(3, height, width) * 255).to(ScalarType.Byte));
    var path = Path.Combine(folder, "image.png");
    ImageFile.Write(image, path);
    return File.ReadAllBytes(path);
}

void Start(params string[] options)
{
    service = Process.Start(new ProcessStartInfo("dotnet", [
        "run", Path.Combine(Here(), "serve.cs"), "--", "--run", folder, "--uploads", uploads, "--urls", "http://127.0.0.1:0", .. options])
    {
        RedirectStandardOutput = true,
    })!;
    while (service.StandardOutput.ReadLine() is { } line)
    {
        if (Regex.Match(line, @"^Serving at (\S+), in process (\d+)\.$") is { Success: true } said)
        {
            (address, processId) = (said.Groups[1].Value, int.Parse(said.Groups[2].Value));
            return;
        }
    }

    throw new InvalidOperationException("The service does not start.");
}

void Kill()
{
    if (service is { HasExited: false })
    {
        // The program that dotnet run has started, and dotnet run.
        service.Kill(entireProcessTree: true);
        service.WaitForExit();
    }
}

async Task<Answer[]> Load(string route, byte[][] images, int requests)
{
    var answers = new Answer[requests];
    await Parallel.ForEachAsync(Enumerable.Range(0, requests), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
    {
        answers[i] = await Ask(route, images[i % images.Length]) with { Image = i % images.Length };
        if (answers[i].IsToldWhen)
            await Task.Delay(200, CancellationToken.None);
    });
    return answers;
}

async Task<Answer> Ask(string route, byte[] image)
{
    try
    {
        using var response = await client.PostAsync(address + route, new ByteArrayContent(image));
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.RetryAfter is not null);
    }
    catch (HttpRequestException)
    {
        return new(NoAnswer, "", false);
    }
}

// Mebibytes that the service has in memory.
double Resident() =>
    double.Parse(File.ReadAllText($"/proc/{processId}/statm").Split(' ')[1]) * Environment.SystemPageSize / (1 << 20);

static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

internal sealed record Answer(HttpStatusCode Status, string Text, bool IsToldWhen, int Image = 0);

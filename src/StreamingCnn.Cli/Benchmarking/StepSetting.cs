using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using StreamingCnn.Models;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>How a benchmark's step goes through the network.</summary>
internal enum StepMethod
{
    /// <summary>Conventional backpropagation over the whole image.</summary>
    Whole,

    /// <summary>The same with tensors in the heap of streamed runs, which keeps what is freed.</summary>
    Kept,

    /// <summary>
    /// The same again, with the image's channels last in memory, which makes the library's convolutions keep all maps so.
    /// </summary>
    Last,

    /// <summary>
    /// As <see cref="Last"/>, with every block of the network computed again in the backward pass, of which nothing is kept but what it
    /// reads.
    /// </summary>
    Checkpoint,

    /// <summary>Streamed, each value computed once.</summary>
    Once,

    /// <summary>Streamed in overlapping tiles.</summary>
    Overlap,

    /// <summary>Streamed, each value computed once, with maps in bfloat16.</summary>
    BFloat16,
}

/// <summary>What methods have in common.</summary>
internal static class StepMethods
{
    /// <summary>Whether tensors are in the heap of streamed runs though the image goes through whole.</summary>
    public static bool KeepsFreed(this StepMethod method) => method is StepMethod.Kept or StepMethod.Last or StepMethod.Checkpoint;

    /// <summary>Whether the image's channels lie last in memory.</summary>
    public static bool IsChannelsLast(this StepMethod method) => method is StepMethod.Last or StepMethod.Checkpoint;

    /// <summary>Whether the image goes through tile by tile, rather than whole.</summary>
    public static bool IsTiled(this StepMethod method) => method is StepMethod.Once or StepMethod.Overlap or StepMethod.BFloat16;

    /// <summary>The method as users write it.</summary>
    public static string Name(this StepMethod method) => method.ToString().ToLowerInvariant();
}

/// <summary>One training step to measure.</summary>
/// <param name="Model">Name in the catalog.</param>
/// <param name="Height">Height of the image.</param>
/// <param name="Width">Width of the image.</param>
/// <param name="Method">How.</param>
/// <param name="Tile">Side of a tile; 0 to let the planner choose from <paramref name="Memory"/>.</param>
/// <param name="Memory">Memory budget in bytes; 0 for none.</param>
/// <param name="Threads">Threads of the computation.</param>
/// <param name="WarmUp">Steps before the one that is measured.</param>
/// <param name="Norm">How the model normalises.</param>
/// <param name="Device">The device that computes, as <see cref="ComputeDevice"/> reads it.</param>
internal sealed record StepSetting(
    string Model,
    int Height,
    int Width,
    StepMethod Method,
    int Tile,
    long Memory,
    int Threads,
    int WarmUp = 1,
    NormKind Norm = NormKind.Frozen,
    string Device = StepSetting.Processor)
{
    private const string Processor = "cpu";
    private const string NormOption = " --norm ";
    private const string DeviceOption = " --device ";

    /// <summary>The model with its norm and its device, where they are not the usual ones, as users write it.</summary>
    [JsonIgnore]
    public string ModelText =>
        $"{Model}{(Norm == NormKind.Frozen ? "" : $"{NormOption}{Norm.ToString().ToLowerInvariant()}")}{(Device == Processor ? "" : $"{DeviceOption}{Device}")}";

    /// <summary>The model, its norm and its device in <see cref="ModelText"/>.</summary>
    /// <exception cref="ArgumentException">There is no such norm.</exception>
    public static (string Model, NormKind Norm, string Device) Parse(string modelText)
    {
        var (text, device) = modelText.Split(DeviceOption) is [var before, var named] ? (before, named) : (modelText, Processor);
        return text.Split(NormOption) is [var model, var norm]
            ? (model, Enum.Parse<NormKind>(norm, ignoreCase: true), device)
            : (text, NormKind.Frozen, device);
    }

    /// <summary>What tells the setting from others of the same image.</summary>
    [JsonIgnore]
    public string Name => Tile > 0 ? string.Create(CultureInfo.InvariantCulture, $"{MethodName} tile {Tile}")
        : Memory > 0 ? string.Create(CultureInfo.InvariantCulture, $"{MethodName} in {Memory >> 20} MiB")
        : MethodName;

    /// <summary>The image's size as users write it.</summary>
    [JsonIgnore]
    public string Size => string.Create(CultureInfo.InvariantCulture, $"{Height}x{Width}");

    /// <summary>The method as users write it.</summary>
    [JsonIgnore]
    public string MethodName => Method.Name();

    public string ToJson() => JsonSerializer.Serialize(this);

    public static StepSetting FromJson(string text) => JsonSerializer.Deserialize<StepSetting>(text)!;
}

/// <summary>What a step cost.</summary>
/// <param name="Seconds">Forward and backward.</param>
/// <param name="BaseBytes">Resident memory before the step: program, libraries, weights and the image.</param>
/// <param name="PeakBytes">Peak resident memory during the step.</param>
/// <param name="PlannedBytes">What the plan says that the step takes on top of the base; 0 for the whole image.</param>
/// <param name="CarryBytes">The part of it that is carried between tiles.</param>
/// <param name="Tile">The tile that was used, 0 for the whole image.</param>
/// <param name="PlannedRatio">What the plan says of the time, divided by the whole image's; 0 for the whole image.</param>
/// <param name="SmallestBytes">The smallest budget that the planner accepts for a streamed step; 0 for the whole image, and where nobody
/// asked.</param>
/// <param name="Parts">Seconds of the parts of a streamed step; empty for others.</param>
internal sealed record StepCost(
    double Seconds, long BaseBytes, long PeakBytes, long PlannedBytes, long CarryBytes, int Tile, double PlannedRatio, long SmallestBytes,
    IReadOnlyDictionary<StepPart, double> Parts)
{
    public string ToJson() => JsonSerializer.Serialize(this);

    public static StepCost FromJson(string text) => JsonSerializer.Deserialize<StepCost>(text)!;
}

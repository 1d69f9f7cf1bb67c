using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using StreamingCnn.Interop.Weights;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// A run in one safetensors file, replaced in one step: <c>model.*</c>, <c>gradient.*</c> of a batch that is not complete, the optimizer's
/// and torch's random state as bytes, and settings and position as JSON.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string Model = "model.";
    private const string Gradient = "gradient.";
    private const string Average = "average.";
    private const string Optimizer = "run.optimizer";
    private const string RandomState = "run.random";
    private const string Position = "run.position";
    private const string Settings = "run.settings";
    private const string Data = "run.data";

    private const string Conditions = nameof(TrainingOptions.Conditions);

    // Scores that are not defined are NaN.
    private static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static void Write(
        string path,
        nn.Module model,
        OptimizerHelper optimizer,
        WeightAverage? average,
        TrainingOptions options,
        TrainingPosition position,
        DataRecord data)
    {
        using var scope = NewDisposeScope();
        var tensors = new List<KeyValuePair<string, Tensor>>();
        foreach (var (name, value) in model.state_dict())
            tensors.Add(new(Model + name, value));
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.grad is { } gradient)
                tensors.Add(new(Gradient + name, gradient));
        }

        foreach (var (name, value) in average?.Tensors ?? new Dictionary<string, Tensor>())
            tensors.Add(new(Average + name, value));

        tensors.Add(new(Optimizer, OptimizerState.Write(optimizer)));
        tensors.Add(new(RandomState, random.get_rng_state()));
        tensors.Add(new(Position, tensor(JsonSerializer.SerializeToUtf8Bytes(position, Json), device: CPU)));
        tensors.Add(new(Settings, tensor(Encoding.UTF8.GetBytes(Describe(options).ToJsonString()), device: CPU)));
        tensors.Add(new(Data, tensor(data.ToBytes(), device: CPU)));
        Safetensors.Write(path, tensors);
    }

    /// <summary>
    /// Puts everything back to where a checkpoint was written, once it is known that the checkpoint is one of the same
    /// run.
    /// </summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="model">The model.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="average">The average of its weights, if there is one.</param>
    /// <param name="options">The run's settings.</param>
    /// <param name="check">Told what the run has learned from, to refuse another data set; null in checkpoints that do not say it.</param>
    public static TrainingPosition Read(
        string path,
        nn.Module model,
        OptimizerHelper optimizer,
        WeightAverage? average,
        TrainingOptions options,
        Action<DataRecord?, string?> check)
    {
        using var scope = NewDisposeScope();
        var tensors = Safetensors.Read(path);
        var missing = new[] { Optimizer, RandomState, Position, Settings }.Where(name => !tensors.ContainsKey(name)).ToArray();
        if (missing.Length > 0)
            throw new TrainingException($"'{path}' holds no interrupted run, only tensors: {string.Join(", ", missing)} is missing.");
        var settings = JsonNode.Parse(Bytes(tensors[Settings]))!.AsObject();
        string[] differences =
        [
            .. Differences(settings, Describe(options)), .. DifferentConditions(settings[Conditions], options.Conditions),
        ];
        if (differences.Length > 0)
            throw new TrainingException(
                $"The run in '{path}' has other settings: {string.Join("; ", differences)}; resume with the same ones.");
        foreach (var (name, target) in model.state_dict())
        {
            if (!tensors.TryGetValue(Model + name, out var value) || !value.shape.SequenceEqual(target.shape))
                throw new TrainingException($"The run in '{path}' trains another model: '{name}' is missing there or has another shape.");
        }

        var position = JsonSerializer.Deserialize<TrainingPosition>(Bytes(tensors[Position]), Json)!;
        check(tensors.TryGetValue(Data, out var data) ? DataRecord.FromBytes(Bytes(data)) : null, position.Images);

        using var grad = no_grad();
        foreach (var (name, target) in model.state_dict())
            target.copy_(tensors[Model + name]);
        foreach (var (name, value) in average?.Tensors ?? new Dictionary<string, Tensor>())
            value.copy_(tensors[Average + name]);
        foreach (var (name, parameter) in model.named_parameters())
            parameter.grad = tensors.TryGetValue(Gradient + name, out var gradient) ? gradient.to(parameter.device)
                .DetachFromDisposeScope() : null;
        OptimizerState.Read(optimizer, tensors[Optimizer]);
        random.set_rng_state(tensors[RandomState]);
        return position;
    }

    /// <summary>
    /// Tells sets of images apart by names and labels, in their order, as checkpoints without a <see cref="DataRecord"/> do.
    /// </summary>
    public static string Fingerprint(IEnumerable<TrainingSample> samples) =>
        Convert.ToHexString(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Join('\n', samples.Select(sample => $"{sample.Label} {string.Join(' ', sample.Targets)} {sample.Name}")))));

    private static byte[] Bytes(Tensor tensor) => tensor.data<byte>().ToArray();

    /// <summary>
    /// The settings that decide the outcome, but for the length: a run may be made longer or shorter, and a rate that depends on the length
    /// goes on from where it is in the new one.
    /// </summary>
    private static JsonObject Describe(TrainingOptions options) =>
        JsonSerializer.SerializeToNode(options with
        {
            Checkpoint = null,
            CheckpointInterval = 0,
            Epochs = 1,
        })!.AsObject();

    private static IEnumerable<string> Differences(JsonObject there, JsonObject here) =>
        from setting in here
        let other = there[setting.Key]?.ToJsonString() ?? "null"
        let own = setting.Value?.ToJsonString() ?? "null"
        // Checkpoints of earlier versions have the length where the rate depends on it.
        where setting.Key is not (Conditions or nameof(TrainingOptions.Epochs)) && other != own
        select $"{setting.Key} {other} instead of {own}";

    /// <summary>Checkpoints that were written before there were conditions say nothing of them.</summary>
    private static IEnumerable<string> DifferentConditions(JsonNode? there, IReadOnlyDictionary<string, string> here) =>
        there is not JsonObject before
            ? []
            : from name in before.Select(condition => condition.Key).Union(here.Keys)
              let other = before[name]?.ToString()
              let own = here.GetValueOrDefault(name)
              where other != own
              select $"{name} {Said(other)} instead of {Said(own)}";

    private static string Said(string? value) => value is null ? "nothing" : $"'{value.Replace("\n", ", ")}'";
}

using System.Globalization;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Runs;

/// <summary>All that is needed to use a file of weights; it stands in the file's own header.</summary>
public sealed record ModelDescription
{
    private const int MostChannels = 4096;

    /// <summary>Name of the trunk, as <see cref="TrunkSource"/> reads it.</summary>
    public required string Trunk { get; init; }

    /// <summary>Of a trunk from a file of ONNX its structure without weights, so that nobody needs the file; null for others.</summary>
    /// <value>The default value is null. What <see cref="OnnxTrunk.Structure"/> gives, in base 64.</value>
    public string? Structure { get; init; }

    /// <summary>How the trunk normalises.</summary>
    /// <value>The default value is <see cref="NormKind.Frozen"/>.</value>
    public NormKind Norm { get; init; }

    /// <summary>What the outputs mean.</summary>
    public required LearningTask Task { get; init; }

    /// <summary>How the head pools.</summary>
    public required HeadPooling Pooling { get; init; }

    /// <summary>The pooling's number, where it has one.</summary>
    /// <value>The default value is null: <see cref="PoolingHead.DefaultNumber"/>.</value>
    public double? PoolingNumber { get; init; }

    /// <summary>Instances with the most and the least attention that the head classifies in training.</summary>
    /// <value>The default value is 0: none.</value>
    public int Instances { get; init; }

    /// <summary>How image files become what the network sees.</summary>
    public required ImagePreparation Preparation { get; init; }

    /// <summary>Share of the pooled features that the head drops in training.</summary>
    /// <value>The default value is 0.</value>
    public double Dropout { get; init; }

    /// <summary>What becomes of the model's probabilities before they are told.</summary>
    /// <value>The default value is <see cref="DecisionRule.None"/>.</value>
    public DecisionRule Decision { get; init; } = DecisionRule.None;

    /// <summary>Column of what images belong to, such as a patient, that data were divided by.</summary>
    /// <value>The default value is null: images were taken to be independent.</value>
    public string? Group { get; init; }

    /// <summary>Makes the classifier with fresh weights; a trunk from a file of ONNX with the file's.</summary>
    /// <param name="options">How it is streamed; null for the defaults.</param>
    /// <param name="copy">Where the trunk is from a file of ONNX: another that holds the same; null for the file itself.</param>
    /// <exception cref="ArgumentException">It is no classifier, or cannot be made.</exception>
    public StreamingClassifier Create(StreamingOptions? options = null, string? copy = null)
    {
        if (Task is MapTask)
            throw new ArgumentException($"The model gives a map and is no classifier; make it by {nameof(CreateModel)}.");
        var trunk = MakeTrunk(copy);
        return new(
            trunk, Task.Outputs.Count, options, Pooling, Dropout, TrunkSource.OutputChannels(trunk, Preparation.Channels), PoolingNumber,
            Instances);
    }

    /// <summary>Makes the model with fresh weights, whatever its task: a classifier, a segmenter, or a model of maps of numbers.</summary>
    /// <inheritdoc cref="Create"/>
    public TrainableModel CreateModel(StreamingOptions? options = null, string? copy = null)
    {
        if (Task is not MapTask)
            return Create(options, copy);
        var (outputs, channels) = (Task.Outputs.Count, Preparation.Channels);
        var isDense = Structure is null && ModelCatalog.DenseNames.Contains(Trunk, StringComparer.OrdinalIgnoreCase);
        var network = isDense ? ModelCatalog.CreateDense(Trunk, outputs, channels, Norm) : MakeTrunk(copy);
        long? features = isDense ? null : TrunkSource.OutputChannels(network, channels);
        return Task is MapRegressionTask numbers
            ? new StreamingMapRegressor(network, numbers.Scales, options, features, isDense, channels)
            : new StreamingSegmenter(network, outputs, options, features, isDense, channels);
    }

    private Module<Tensor, Tensor> MakeTrunk(string? copy) => Structure is { } structure
        ? TrunkSource.OfChannels(OnnxNetwork.FromStructure(Convert.FromBase64String(structure), Trunk), Trunk, Preparation.Channels)
        : TrunkSource.Create(copy ?? Trunk, Preparation.Channels, Norm);

    /// <summary>What a file of weights says of itself.</summary>
    /// <param name="path">A file that a run wrote.</param>
    /// <exception cref="WeightFileException">The file cannot be read, or describes no model.</exception>
    public static ModelDescription Read(string path) => FromMetadata(path, Safetensors.ReadMetadata(path));

    /// <summary>Makes the model that a file of weights describes, and loads them.</summary>
    /// <param name="path">A file that a run wrote.</param>
    /// <param name="options">How it is to be streamed; null for the defaults.</param>
    /// <param name="ownModule">
    /// Where the weights are those of a user's own module: <c>path/to/Assembly.dll:Namespace.Type</c>, as the person who runs the program
    /// names it. Its code is executed. What the file itself says of an assembly is never loaded.
    /// </param>
    /// <exception cref="WeightFileException">
    /// The file cannot be read, describes no model, or does not fit it; or the model is a user's own module and that is not the one named.
    /// </exception>
    public static (StreamingClassifier Model, ModelDescription Description) Load(
        string path, StreamingOptions? options = null, string? ownModule = null)
    {
        if (Read(path).Task is MapTask)
            throw new WeightFileException($"The weights in '{path}' are those of a model that gives a map, and this is for models that judge whole images; take another model.");
        var (model, description) = LoadModel(path, options, ownModule);
        return ((StreamingClassifier)model, description);
    }

    /// <summary>Makes the model that a file of weights describes, whatever its task, and loads them.</summary>
    /// <returns>
    /// A <see cref="StreamingClassifier"/>, or where the task is one of maps a <see cref="StreamingSegmenter"/> or a
    /// <see cref="StreamingMapRegressor"/>.
    /// </returns>
    /// <inheritdoc cref="Load"/>
    public static (TrainableModel Model, ModelDescription Description) LoadModel(
        string path, StreamingOptions? options = null, string? ownModule = null)
    {
        var description = Read(path);
        description = description with { Trunk = Trusted(path, description.Trunk, ownModule) };
        var model = description.Make(path, options);
        try
        {
            WeightFile.Load(model, path);
            return (model, description);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the model, or says of the file that describes it that it does not. No kind of image has as many channels
    /// as a damaged file may name.
    /// </summary>
    private TrainableModel Make(string path, StreamingOptions? options)
    {
        if (Preparation.Channels is < 1 or > MostChannels)
            throw NoDescription(path);
        try
        {
            return CreateModel(options);
        }
        catch (Exception reason) when (reason is ArgumentException or FormatException or OnnxFileException or UnsupportedOnnxException
            && !TrunkSource.IsOwn(Trunk))
        {
            throw NoDescription(path, reason);
        }
    }

    /// <summary>The description as text by name.</summary>
    public IReadOnlyDictionary<string, string> ToMetadata()
    {
        var metadata = new Dictionary<string, string>(Preparation.ToMetadata())
        {
            ["model"] = Trunk,
            ["task"] = Task.Kind,
            ["outputs"] = string.Join('\n', Task.Outputs),
        };
        if (Task is MixedTask mixed)
            metadata["columns"] = string.Join('\n', mixed.Columns.Select(column => string.Create(
                CultureInfo.InvariantCulture, $"{column.Task.Kind} {column.Task.Outputs.Count} {column.Weight:R} {column.Name}")));
        if (Task is ClassificationTask { IsOrdered: true })
            metadata["ordered"] = "yes";
        switch (Task)
        {
            case SegmentationTask masks:
                metadata["mask-values"] = Whole(masks.MaskValues);
                if (masks.BoxCore is { } core)
                    metadata["box-core"] = core.ToString("R", CultureInfo.InvariantCulture);
                if (masks.IgnoresUnlabelled)
                    metadata["ignores-unlabelled"] = "yes";
                if (masks.IgnoredValues.Count > 0)
                    metadata["ignored-values"] = Whole(masks.IgnoredValues);
                break;
            case MapRegressionTask numbers:
                metadata["output-means"] = Real(numbers.Scales.Select(scale => scale.Mean));
                metadata["output-deviations"] = Real(numbers.Scales.Select(scale => scale.Deviation));
                if (numbers.MissingValues.Count > 0)
                    metadata["ignored-values"] = Whole(numbers.MissingValues);
                break;
            default:
                metadata["pooling"] = Pooling.ToString();
                break;
        }

        // Files and runs from before there was a choice do not have it.
        if (Norm != NormKind.Frozen)
            metadata["norm"] = Norm.ToString();
        if (Structure is not null)
            metadata["structure"] = Structure;
        if (Task is not MapTask && (PoolingNumber ?? PoolingHead.DefaultNumber(Pooling)) is { } number)
            metadata["pooling-number"] = number.ToString("R", CultureInfo.InvariantCulture);
        if (Instances > 0)
            metadata["instances"] = Instances.ToString(CultureInfo.InvariantCulture);
        if (Group is not null)
            metadata["group"] = Group;
        if (Decision.Temperature != 1)
            metadata["temperature"] = Decision.Temperature.ToString("R", CultureInfo.InvariantCulture);
        if (Decision.Point is { } point)
        {
            metadata["operating-point"] = point.Rule.ToString();
            metadata["thresholds"] = point.ThresholdText;
        }

        return metadata;

        static string Whole(IEnumerable<long> values) =>
            string.Join(' ', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));

        static string Real(IEnumerable<double> values) =>
            string.Join(' ', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
    }

    /// <summary>The trunk that a file of weights asks for, from the assembly that a person named.</summary>
    private static string Trusted(string path, string stated, string? ownModule)
    {
        if (!TrunkSource.IsOwn(stated))
        {
            return ownModule is null
                ? stated
                : throw new WeightFileException(
                    $"The weights in '{path}' are those of '{stated}', which comes with the program, "
                    + $"and not of '{ownModule}'; leave out --model.");
        }

        var type = TrunkSource.Split(stated).Type;
        if (ownModule is null)
        {
            throw new WeightFileException(
                $"The weights in '{path}' are those of '{type}', a module of somebody's own, "
                + "and code is never loaded because a file asks for it; "
                + $"if you trust the assembly that has it, name it: --model path/to/Assembly.dll:{type}, and its code will be run.");
        }

        return TrunkSource.IsOwn(ownModule) && TrunkSource.Split(ownModule).Type == type
            ? ownModule
            : throw new WeightFileException(
                $"The weights in '{path}' are those of '{type}', and not of '{ownModule}'; name that type by --model.");
    }

    private static DecisionRule DecisionOf(OrderedDictionary<string, string> metadata, LearningTask task)
    {
        var temperature = metadata.TryGetValue("temperature", out var factor) ? double.Parse(factor, CultureInfo.InvariantCulture) : 1;
        OperatingPoint? point = null;
        if (metadata.TryGetValue("operating-point", out var rule))
        {
            double[] thresholds = [.. metadata["thresholds"].Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
            point = new(OperatingRule.Parse(rule) ?? throw new FormatException($"'{rule}' is no rule"), thresholds);
        }

        return temperature > 0 && double.IsFinite(temperature)
            && (point is null || (OperatingPoint.Fits(task) && point.Thresholds.Count == task.Outputs.Count))
            ? new() { Temperature = temperature, Point = point }
            : throw new FormatException("the decision does not fit");
    }

    private static LearningTask TaskOf(OrderedDictionary<string, string> metadata)
    {
        var outputs = metadata["outputs"].Split('\n');
        return metadata["task"] switch
        {
            SegmentationTask.Name => new SegmentationTask(outputs, Numbers("mask-values"), Numbers("ignored-values"))
            {
                BoxCore = metadata.TryGetValue("box-core", out var core) ? double.Parse(core, CultureInfo.InvariantCulture) : null,
                IgnoresUnlabelled = metadata.ContainsKey("ignores-unlabelled"),
            },
            MapRegressionTask.Name => new MapRegressionTask(
                outputs,
                [.. Reals("output-means").Zip(Reals("output-deviations"), (mean, deviation) => new NumberScale(mean, deviation))],
                Numbers("ignored-values")),
            MixedTask.Name => Mixed(metadata["columns"].Split('\n'), outputs),
            "classes" => new ClassificationTask(outputs, isOrdered: metadata.ContainsKey("ordered")),
            var kind => LearningTask.Create(kind, outputs),
        };

        long[]? Numbers(string name) => metadata.TryGetValue(name, out var text)
            ? [.. text.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))] : null;

        double[] Reals(string name) => [.. metadata[name].Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
    }

    /// <summary>A line for each column: kind, outputs, weight, and the name, which may have spaces.</summary>
    private static MixedTask Mixed(string[] columns, string[] outputs)
    {
        var read = new List<MixedColumn>();
        var start = 0;
        foreach (var fields in columns.Select(line => line.Split(' ', 4)))
        {
            if (fields is not [var kind, var number, var weight, var name]
                || int.Parse(number, CultureInfo.InvariantCulture) is not (> 0 and var count) || start + count > outputs.Length)
                throw new FormatException("the columns do not fit the outputs");
            string[] own =
            [
                .. outputs.Skip(start).Take(count).Select(output => kind == "classes" ? output[(name.Length + 1)..] : output),
            ];
            if (kind is not ("classes" or "labels" or "numbers"))
                throw new FormatException($"'{kind}' is no kind of a column");
            read.Add(new(name, (ScoredTask)LearningTask.Create(kind, own)) { Weight = double.Parse(weight, CultureInfo.InvariantCulture) });
            start += count;
        }

        return new MixedTask(read) is var task && task.Outputs.SequenceEqual(outputs)
            ? task : throw new FormatException("the columns do not fit the outputs");
    }

    private static ModelDescription FromMetadata(string path, OrderedDictionary<string, string> metadata)
    {
        try
        {
            var task = TaskOf(metadata);
            return new()
            {
                Trunk = metadata["model"],
                Structure = metadata.TryGetValue("structure", out var structure) ? structure : null,
                Task = task,
                Decision = DecisionOf(metadata, task),
                Norm = metadata.TryGetValue("norm", out var norm) ? Enum.Parse<NormKind>(norm) : NormKind.Frozen,
                Pooling = task is MapTask ? HeadPooling.Average : Enum.Parse<HeadPooling>(metadata["pooling"]),
                PoolingNumber = metadata.TryGetValue("pooling-number", out var number)
                    ? double.Parse(number, CultureInfo.InvariantCulture)
                    : null,
                Instances = metadata.TryGetValue("instances", out var instances)
                    ? int.Parse(instances, NumberStyles.None, CultureInfo.InvariantCulture) : 0,
                Preparation = ImagePreparation.FromMetadata(metadata),
                Group = metadata.GetValueOrDefault("group"),
            };
        }
        catch (Exception reason) when (reason is KeyNotFoundException or FormatException or ArgumentException)
        {
            throw NoDescription(path, reason);
        }
    }

    private static WeightFileException NoDescription(string path, Exception? reason = null) =>
        new(
            $"'{path}' does not describe the model that its weights are for; "
            + "give a file that training wrote, such as best.safetensors of a run.",
            reason!);
}

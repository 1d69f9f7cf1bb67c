using System.Globalization;
using System.Text.Json;
using CsvHelper;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>A task at one resolution: a run of <c>scnn train</c>, which also writes its predictions for the test part.</summary>
/// <param name="Task">The task.</param>
/// <param name="Downsample">Factor by which height and width are made smaller.</param>
/// <param name="Folder">Folder of the run.</param>
internal sealed record Rung(LadderTask Task, int Downsample, string Folder)
{
    // Written last: a folder that has it is finished.
    private string TimeFile => Path.Combine(Folder, "time.json");

    /// <summary>What the resolution is called.</summary>
    public string Name =>
        Downsample switch { 1 => "full", 2 => "half", 4 => "quarter", _ => string.Create(CultureInfo.InvariantCulture, $"1/{Downsample}") };

    /// <summary>How long training and test took.</summary>
    public RungTime Time => JsonSerializer.Deserialize<RungTime>(File.ReadAllText(TimeFile))!;

    /// <summary>
    /// Trains, unless that is done already. A run that was broken off is made anew, so that its time is that of a whole run.
    /// </summary>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="scnn">Runs the program.</param>
    public void Train(int seed, ScnnRunner scnn)
    {
        if (File.Exists(TimeFile))
            return;
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
        var time = scnn(
        [
            "train",
            Task.Labels,
            "--model",
            LadderTask.Model,
            "--pooling",
            "max",
            "--downsample",
            Text(Downsample),
            "--tile",
            Text(Task.Tile),
            "--epochs",
            Text(Task.Epochs),
            "--batch", Text(LadderTask.Batch), "--validation", "0", "--seed", Text(seed), "--output", Folder,
        ]);
        AtomicFile.Write(TimeFile, file => JsonSerializer.Serialize(file, time));
    }

    /// <summary>What the trained model says of the test part.</summary>
    public RungPredictions Predictions()
    {
        using var reader = new CsvReader(new StreamReader(Path.Combine(Folder, "test.csv")), CultureInfo.InvariantCulture);
        reader.Read();
        reader.ReadHeader();
        // image, label, predicted, and a probability for each class.
        var (labels, predicted, last) = (new List<string>(), new List<string>(), new List<double>());
        var classes = reader.HeaderRecord!.Length - 3;
        while (reader.Read())
        {
            labels.Add(reader.GetField("label")!);
            predicted.Add(reader.GetField("predicted")!);
            last.Add(reader.GetField<double>(classes + 2));
        }

        return new(labels, predicted, classes == 2 ? last : null, reader.HeaderRecord[^1]);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

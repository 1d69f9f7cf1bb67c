using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

/// <summary>
/// A run goes on with the very images that it has learned from and was judged by, wherever they lie, and with a whole
/// checkpoint.
/// </summary>
public sealed class ResumeDataTests : IDisposable
{
    private const int FlippedBits = 50;
    private static readonly ClassificationTask Classes = new(["dark", "light"]);
    private readonly TemporaryFolder folder = new();

    public ResumeDataTests()
    {
        for (var i = 0; i < 7; i++)
            folder.Write($"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.img", new string((char)('a' + i), 100));
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, Options());
        _ = trainer.Fit(Training(), Validation()).ToArray();
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_images_are_welcome_wherever_they_lie_and_whatever_their_times()
    {
        Resume(Training(), Validation());
        File.SetLastWriteTimeUtc(folder.File("data/dark/0.img"), DateTime.UtcNow.AddDays(3));
        Resume(Training(), Validation());
        Directory.Move(folder.File("data"), folder.File("moved"));
        Resume(Training("moved"), Validation("moved"));
    }

    /// <summary>Of the same size and time, which nothing but the bytes can tell.</summary>
    [Fact]
    public void Changed_pixels_are_refused_and_named()
    {
        Change("data/light/1.img");
        Refused("1 training image with other content (light/1.img)");
        Change("data/dark/2.img");
        Refused("2 training images with other content (light/1.img, dark/2.img)");
        Change("data/dark/6.img");
        Refused("2 training images with other content (light/1.img, dark/2.img), 1 validation image with other content (dark/6.img)");
        // Also where the folder has another name by now.
        Directory.Move(folder.File("data"), folder.File("moved"));
        Refused(
            "2 training images with other content (light/1.img, dark/2.img), 1 validation image with other content (dark/6.img)",
            Training("moved"), Validation("moved"));
    }

    [Fact]
    public void Exchanged_images_are_refused()
    {
        var (one, other) = (folder.File("data/dark/0.img"), folder.File("data/light/1.img"));
        File.Move(one, folder.File("aside"));
        File.Move(other, one);
        File.Move(folder.File("aside"), other);

        Refused("2 training images with other content (dark/0.img, light/1.img)");
    }

    [Fact]
    public void Changed_rows_of_either_part_are_refused()
    {
        Refused("1 training image fewer (dark/4.img)", Training()[..4], Validation());
        Refused(
            "1 training image more (dark/6.img), 1 validation image fewer (dark/6.img)",
            [.. Training(), Validation()[1]],
            Validation()[..1]);
        Refused("2 validation images fewer (light/5.img, dark/6.img)", Training(), []);
        Refused("the training images in another order", [.. Training().Reverse()], Validation());
        Refused("6 instead of 5 training images", [.. Training(), Training()[0]], Validation());
        var validation = Validation();
        validation[0] = validation[0] with { Label = 0 };
        Refused("1 validation image with another label, weight or resolution (light/5.img)", Training(), validation);
        validation[0] = validation[0] with { Label = 1, Reading = "0.5 um" };
        Refused("1 validation image with another label, weight or resolution (light/5.img)", Training(), validation);
        validation[0] = validation[0] with { Reading = "", Targets = [0.25] };
        Refused("1 validation image with another label, weight or resolution (light/5.img)", Training(), validation);
    }

    [Fact]
    public void A_second_file_of_an_image_counts_such_as_its_mask()
    {
        folder.Write("data/mask.img", "mask");
        TrainingSample[] Masked() =>
            [.. Training().Select(sample => sample with { Files = [.. sample.Files, folder.File("data/mask.img")] })];
        using (var model = Samples.Classifier())
        using (var trainer = new Trainer(model, Classes, Options()))
            _ = trainer.Fit(Masked(), Validation()).ToArray();
        Resume(Masked(), Validation());

        Change("data/mask.img");

        Refused("5 training images with other content (dark/0.img, light/1.img, dark/2.img, …)", Masked(), Validation());
    }

    /// <summary>The first byte, the last, and a stretch in the middle that is as long as pieces are apart.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(39_999_999, 1)]
    [InlineData(20_000_000, 1_300_000)]
    public void Of_a_large_file_pieces_count(int place, int length)
    {
        var path = folder.File("large.img");
        using (var file = File.Create(path))
            file.SetLength(40_000_000);
        var before = FileContent.Of([path]);
        Assert.Equal(before, FileContent.Of([path]));

        using (var file = File.OpenWrite(path))
        {
            file.Position = place;
            file.Write(Enumerable.Repeat((byte)1, length).ToArray());
        }

        Assert.NotEqual(before, FileContent.Of([path]));
    }

    [Fact]
    public void A_slide_in_several_files_is_all_of_them()
    {
        var slide = folder.Write("slide.mrxs", "start");
        folder.Write("slide/Data0000.dat", "pixels");
        var before = FileContent.Of([slide]);

        folder.Write("slide/Data0000.dat", "pixelS");

        Assert.NotEqual(before, FileContent.Of([slide]));
    }

    [Fact]
    public void Conditions_that_differ_are_told_by_name()
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(
            model, Classes, Options() with { Conditions = new Dictionary<string, string> { ["mpp"] = "0.25", ["crop"] = "64" } });

        Assert.Equal(
            $"The run in '{Options().Checkpoint}' has other settings: mpp '0.5' instead of '0.25'; "
            + "outputs 'dark, light' instead of nothing; crop nothing instead of '64'; resume with the same ones.",
            Assert.Throws<TrainingException>(trainer.Resume).Message);
    }

    /// <summary>In the header or in any tensor; nothing is changed by the attempt.</summary>
    [Fact]
    public void Flipped_bits_in_a_checkpoint_are_refused()
    {
        var path = Options().Checkpoint!;
        var whole = File.ReadAllBytes(path);
        var random = new Random(5);
        for (var i = 0; i < FlippedBits; i++)
        {
            var bytes = whole.ToArray();
            bytes[i < 10 ? random.Next(2000) : random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bytes);
            using var model = Samples.Classifier();
            using var before = Samples.Classifier();
            using var trainer = new Trainer(model, Classes, Options());

            Assert.Contains($"'{path}'", Assert.Throws<WeightFileException>(trainer.Resume).Message);

            Assert.Empty(trainer.History);
            Assert.All(
                model.state_dict().Zip(before.state_dict()),
                pair => Assert.True(pair.First.Value.bytes.SequenceEqual(pair.Second.Value.bytes)));
        }
    }

    private void Change(string name)
    {
        var (path, time) = (folder.File(name), File.GetLastWriteTimeUtc(folder.File(name)));
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, time);
    }

    private void Refused(string difference, TrainingSample[]? training = null, TrainingSample[]? validation = null)
    {
        var refused = Assert.Throws<TrainingException>(() => Resume(training ?? Training(), validation ?? Validation()));
        Assert.Equal(
            $"The images are not those that the run has learned from: {difference}; bring them back, or start a new run.", refused.Message);
    }

    /// <summary>Both ways in which images come to be compared give one answer.</summary>
    private void Resume(TrainingSample[] training, TrainingSample[] validation)
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, Options() with { Epochs = 2 });
        var early = Record.Exception(() => trainer.Resume(training, validation));
        trainer.Resume();
        var late = Record.Exception(() => trainer.Fit(training, validation).ToArray());
        Assert.Equal(early?.Message, late?.Message);
        if (early is not null)
            throw early;
        // As it was before it went on.
        using var again = Samples.Classifier();
        using var first = new Trainer(again, Classes, Options());
        _ = first.Fit(training, validation).ToArray();
    }

    private TrainingOptions Options() => new()
    {
        Epochs = 1,
        BatchSize = 2,
        LearningRate = 0.01,
        Checkpoint = folder.File("checkpoint.safetensors"),
        Conditions = new Dictionary<string, string> { ["mpp"] = "0.5", ["outputs"] = "dark\nlight" },
    };

    private TrainingSample[] Training(string root = "data") => [.. Enumerable.Range(0, 5).Select(i => Sample(root, i))];

    private TrainingSample[] Validation(string root = "data") => [.. Enumerable.Range(5, 2).Select(i => Sample(root, i))];

    private TrainingSample Sample(string root, int number)
    {
        var path = folder.File($"{root}/{(number % 2 == 0 ? "dark" : "light")}/{number}.img");
        return new(path, number % 2, _ => new TensorImageSource(full([1, 3, 20, 20], 0.5f * (number % 2)))) { Files = [path] };
    }
}

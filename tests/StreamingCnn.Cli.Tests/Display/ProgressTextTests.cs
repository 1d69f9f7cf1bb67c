using StreamingCnn.Cli.Display;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Tests.Display;

public class ProgressTextTests
{
    private TimeSpan elapsed;

    [Fact]
    public void Time_left_follows_from_what_is_done()
    {
        var text = Training(epochs: 2, images: 10);
        Assert.Equal("", text.LeftText);

        elapsed = TimeSpan.FromSeconds(30);
        text.Report(new TrainingProgress(1, 1, 10, 0.7, 4_000_000));

        Assert.Equal(0.05, text.Share, 12);
        Assert.Equal("00:09:30 left", text.LeftText);
        Assert.StartsWith("epoch 1/2, image 1/10, loss 0.700, 0.13 MP/s, ", text.Details(", "));
    }

    [Fact]
    public void Tiles_of_an_image_count_forwards_a_quarter_and_backwards_the_rest()
    {
        var text = Training(epochs: 1, images: 2);
        elapsed = TimeSpan.FromSeconds(10);

        text.Report(new TileProgress(TilePass.Forward, 2, 4));
        Assert.Equal(0.5 * 0.125, text.Share, 12);
        Assert.StartsWith("epoch 1/1, image 1/2, tile 2/4 forward, ", text.Details(", "));

        text.Report(new TileProgress(TilePass.Backward, 4, 4));
        Assert.Equal(0.5, text.Share, 12);
        Assert.Equal("00:00:10 left", text.LeftText);
    }

    [Fact]
    public void No_time_is_named_before_there_is_something_to_go_by()
    {
        var text = Training(epochs: 1, images: 10);

        // A tile of a large image, after the time that it takes to get started: seven hours by the rule of three.
        elapsed = TimeSpan.FromSeconds(6);
        text.Report(new TileProgress(TilePass.Forward, 1, 100));
        Assert.Equal("", text.LeftText);

        elapsed = TimeSpan.FromSeconds(60);
        text.Report(new TileProgress(TilePass.Forward, 50, 100));
        Assert.Equal("01:19:00 left", text.LeftText);

        // Small images: none before some seconds are over.
        text = Training(epochs: 20, images: 1000);
        elapsed = TimeSpan.FromSeconds(2);
        text.Report(new TrainingProgress(1, 1, 1000, 0.7, 4_000_000));
        Assert.Equal("", text.LeftText);

        elapsed = TimeSpan.FromSeconds(5);
        text.Report(new TrainingProgress(1, 50, 1000, 0.7, 200_000_000));
        Assert.Equal("00:33:15 left", text.LeftText);
    }

    [Fact]
    public void A_resumed_run_does_not_count_what_was_done_before()
    {
        var text = Training(epochs: 4, images: 10);
        elapsed = TimeSpan.FromSeconds(20);
        text.Report(new TrainingProgress(3, 5, 10, 0.5, 100_000_000));
        Assert.Equal("", text.LeftText);

        elapsed = TimeSpan.FromSeconds(30);
        text.Report(new TrainingProgress(3, 6, 10, 0.5, 102_000_000));

        Assert.Equal("00:02:20 left", text.LeftText);
        Assert.Contains("0.20 MP/s", text.Details(", "));
    }

    [Fact]
    public void Images_that_are_only_looked_at_have_no_epoch_and_no_loss()
    {
        var text = new ProgressText(0, new(0, 0, 3, double.NaN, 0), () => elapsed);
        elapsed = TimeSpan.FromDays(1);
        text.Report(new TrainingProgress(0, 1, 3, double.NaN, 1_000_000));
        text.Report(new TileProgress(TilePass.Forward, 1, 8));

        Assert.StartsWith("image 2/3, tile 1/8, ", text.Details(", "));
        Assert.DoesNotContain("loss", text.Details(", "));
        Assert.Equal("1 d 16:00 h left", text.LeftText);
    }

    private ProgressText Training(int epochs, int images) => new(epochs, new(1, 0, images, double.NaN, 0), () => elapsed);
}
